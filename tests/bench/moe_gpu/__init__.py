"""Experts offloaded from one NVIDIA GPU: what the machine allows, and how near the local tier comes."""
