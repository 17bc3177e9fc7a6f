"""Keeps an answer within a JSON Schema, a regular expression or a grammar while it is written."""

from backends.llamacpp.engine.constraint.matching import Constraint, Constraints

__all__ = ["Constraint", "Constraints"]
