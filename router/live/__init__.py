"""The router that is served, and how its configuration changes while it runs."""
