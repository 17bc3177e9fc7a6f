"""How fast the edge tier is, beside the other ways to serve the same model on the same cores."""
