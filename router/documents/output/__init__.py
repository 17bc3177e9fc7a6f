"""A settled document, written out."""
