"""Who guesses for llama.cpp: the text so far, or a second, smaller model."""
