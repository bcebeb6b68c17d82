"""Points in the panel: numbered places on the first reference, each with a sentence."""
