"""The geometry of painting onto models: which texel is seen where in a view."""
