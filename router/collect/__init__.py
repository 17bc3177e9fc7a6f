"""Runs every tier on a sample of prompts, durably, and grades what they answer."""

from router.collect.cases import Case
from router.collect.errors import CollectError
from router.collect.read_prompts import Prompts, choose, read_prompts

__all__ = ["Case", "CollectError", "Prompts", "choose", "read_prompts"]
