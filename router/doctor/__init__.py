"""Finds out what makes local models slow or impossible on this machine, and says what to do about it."""
