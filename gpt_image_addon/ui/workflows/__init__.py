"""The panel of workflows: those that are kept, what goes where in one, and what else can be set."""
