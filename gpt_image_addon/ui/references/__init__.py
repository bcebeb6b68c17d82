"""References, masks and markups in the panel."""
