"""Who says how good an answer is: one small class each, found by name."""
