"""The local tier: mixtures of experts (and any other causal model) from safetensors, computed by transformers."""
