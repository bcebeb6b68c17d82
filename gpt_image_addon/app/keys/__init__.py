"""Keys of providers that have one of their own."""
