"""The edge tier: quantised models in GGUF files, computed by llama.cpp in this process."""
