"""Fewer bits for a model's weights, chosen by what the weights are used for."""
