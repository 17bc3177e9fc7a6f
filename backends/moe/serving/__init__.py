"""Continuous batching on unmodified transformers models.

``cache`` keeps keys and values by slot, ``shape`` and ``step`` compute a rectangle of tokens with them,
``batch`` makes rectangles of the rows of a step, ``memory`` brings answers into their slots and out,
``writer`` draws. What is the same for every engine lies in :mod:`backends.serving`.
"""
