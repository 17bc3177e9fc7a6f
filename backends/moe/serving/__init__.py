"""Continuous batching on unmodified transformers models.

``cache`` keeps keys and values by slot, at the ``place`` of each row; ``step`` computes a rectangle of tokens
with them under the masks of ``layout``, and ``trial`` finds out whether a model can. ``batch`` makes
rectangles of the rows of a step, ``memory`` brings answers into their slots and out, ``writer`` draws.
What is the same for every engine lies in :mod:`backends.serving`.
"""
