"""LoRA adapters: mixed, swapped, never mixed up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from backends.errors import Refused, Unavailable
from backends.llamacpp.engine.engine import Engine
from tests.backends.llamacpp.engine.driving import alone, ask, prompts, work

Opened = Callable[..., Engine]


@pytest.fixture
def engine(opened: Opened, adapters: tuple[Path, Path]) -> Engine:
    """The bare model and two adapters, with a cache of prefixes."""
    options = {name: {"path": str(path)} for name, path in zip("xy", adapters, strict=True)}
    return opened(adapters=options, prefix_cache_mib=8)


def test_answers_of_several_adapters_do_not_disturb_each_other(engine: Engine) -> None:
    """Turns of the bare model and two adapters write what each writes alone, and they differ."""
    (tokens,) = prompts(1, longest=100)
    works = [work(i, tokens, adapter=[None, "x", "y"][i % 3]) for i in range(9)]
    expected = alone(engine, *works)
    together = ask(engine, *works)
    assert together.tokens == expected
    assert len({tuple(expected[i]) for i in range(3)}) == 3


def test_a_prefix_serves_its_own_adapter_only(engine: Engine) -> None:
    """What was read with one adapter is not taken for another's."""
    fresh = ask(engine, work(1, range(5, 90), adapter="x"))[1]
    ask(engine, work(2, range(5, 90), adapter="y"))
    again = ask(engine, work(3, range(5, 90), adapter="x"))[3]
    assert again.began[0].cached_token_count > 0
    assert again.tokens == fresh.tokens
    assert ask(engine, work(4, range(5, 90)))[4].began[0].cached_token_count == 0


def test_an_adapter_can_be_replaced_while_serving(engine: Engine, adapters: tuple[Path, Path]) -> None:
    """Under the same name the new file answers, also where the prefix was read with the old one."""
    expected = ask(engine, work(1, range(5, 90), adapter="y"))[1].tokens
    ask(engine, work(2, range(5, 90), adapter="x"))
    engine.add_adapter("x", adapters[1], 1.0)
    assert ask(engine, work(3, range(5, 90), adapter="x"))[3].tokens == expected


def test_answers_of_a_removed_adapter_fail(engine: Engine) -> None:
    """Typed, and the others go on."""
    engine.submit(work(1, range(5, 50), adapter="x"))
    engine.submit(work(2, range(5, 50)))
    engine.step()
    engine.remove_adapter("x")
    answers = ask(engine)
    assert isinstance(answers[1].error, Unavailable)
    assert len(answers[2].tokens) > 0
    with pytest.raises(Refused, match="no adapter 'x'"):
        engine.submit(work(3, range(5, 50), adapter="x"))


def test_a_file_that_is_no_adapter_is_unavailable(engine: Engine, tiny_gguf: Path) -> None:
    """The one of that name stays."""
    with pytest.raises(Unavailable, match="made for this model"):
        engine.add_adapter("x", tiny_gguf, 1.0)
    assert ask(engine, work(1, range(5, 50), adapter="x"))[1].tokens
