"""A process of its own for llama.cpp, and what keeps it alive: whatever kills it, the service goes on."""
