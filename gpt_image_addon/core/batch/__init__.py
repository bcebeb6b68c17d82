"""Many jobs from one manifest."""
