"""Model files of the edge tier: get them, look into them, convert, quantise, and judge what was lost."""
