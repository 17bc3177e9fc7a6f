"""Whether it pays to ask a tier several times."""
