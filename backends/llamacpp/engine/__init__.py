"""The batched engine on llama.cpp's low-level API."""
