"""The request in the panel: prompt, settings, price and the button."""
