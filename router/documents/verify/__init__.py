"""Whether a reading is right, as far as can be told without knowing the truth."""
