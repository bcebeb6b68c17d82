"""What all panels and operators share."""
