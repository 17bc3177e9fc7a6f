"""Why a model's experts cannot be offloaded.

::

    Unavailable (backends.errors)
     +-- CannotOffload
          +-- NotMoe           the model has no experts
          +-- NoExpertsHook    it has, in a form that cannot be reached, or numbers that cannot be read
          +-- TooLittleMemory  something does not fit; says how much it needs, and which setting helps
          +-- DamagedStore     the file of converted experts is not what was written
"""

from __future__ import annotations

from backends.errors import Unavailable


class CannotOffload(Unavailable):
    """The model cannot run with its experts offloaded."""


class NotMoe(CannotOffload):
    """The model is dense."""


class NoExpertsHook(CannotOffload):
    """The experts cannot be reached without changing the model's code."""


class TooLittleMemory(CannotOffload):
    """Memory, GPU memory or disk space is short of what is needed."""


class DamagedStore(CannotOffload):
    """A file of converted experts is half-written, damaged or of another version."""
