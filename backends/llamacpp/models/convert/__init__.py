"""From a transformers model folder to a GGUF file that computes the same."""
