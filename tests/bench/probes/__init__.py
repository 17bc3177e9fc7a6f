"""What probes tell of the pocket family's answers, and what they cost."""
