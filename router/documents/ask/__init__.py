"""Fields and answers from a settled document, grounded in what it says."""
