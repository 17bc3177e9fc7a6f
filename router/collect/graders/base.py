"""The seam between an answer and its grade."""

from __future__ import annotations

from typing import Protocol

from router.collect.cases import Case


class Grader(Protocol):
    """Grades answers in [0, 1].

    Built as ``Class(argument, timeout_s)``: what stood behind the name and a colon, and how long one
    grade may take that is worked out outside of this process. Raises CollectError where the argument
    makes no sense. ``name`` tells it apart from every grader that could grade otherwise. ``is_proxy``:
    it judges by something that only tends to go with being right. ``is_dear``: grades are kept in the
    log and not asked for twice. ``needs_top``: no answer can be graded without the top tier's.
    """

    name: str
    is_proxy: bool
    is_dear: bool
    needs_top: bool

    def missing(self, case: Case) -> str | None:
        """Say what ``case`` lacks to be graded by; None: nothing. Asked before anything runs."""
        ...

    async def grade(self, case: Case, text: str, top: str | None) -> float | None:
        """Grade ``text``; None where that cannot be done. ``top`` is the top tier's own answer.

        Never sees which tier wrote it. Raises CollectError where no other answer could be graded
        either; cancelling it ends what it started.
        """
        ...
