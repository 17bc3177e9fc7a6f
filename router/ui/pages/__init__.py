"""A file a page: what it asks its sources for, and which template shows it."""
