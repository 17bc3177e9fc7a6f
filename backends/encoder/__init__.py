"""Texts into vectors by any encoder of transformers, on the CPU."""
