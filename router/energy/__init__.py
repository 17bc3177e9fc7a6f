"""Energy of requests: from the machine's own meters where it has any, else from what tiers state."""
