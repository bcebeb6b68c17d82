"""Panoramas of all around: closed, levelled, with a sun that is found, and as bright as it lights."""
