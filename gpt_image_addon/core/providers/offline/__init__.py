"""Images drawn on this machine, without a network, a key or a price."""
