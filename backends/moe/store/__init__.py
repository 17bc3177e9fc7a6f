"""Where the weights of experts lie while they are not at work: a row of bytes each, in memory or on disk."""
