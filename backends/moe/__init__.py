"""The local tier: mixtures of experts, and other causal models, computed by transformers from safetensors."""
