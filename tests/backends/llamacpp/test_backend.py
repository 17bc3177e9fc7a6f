"""llama.cpp behind the seam: what a request means for the engine, and parity with transformers."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from pydantic import ValidationError

from backends.base import Embedder
from backends.errors import ContextTooLong, Overloaded, Refused, TimedOut, Unavailable
from backends.llamacpp.backend import LlamaCppBackend
from backends.llamacpp.options import LlamaCppOptions
from backends.moe.backend import MoeBackend
from backends.moe.options import MoeOptions
from backends.types import (
    Caller,
    Completion,
    Delta,
    FinishReason,
    GrammarFormat,
    JsonSchemaFormat,
    Message,
    Prompt,
    RegexFormat,
    Role,
    Sampling,
)
from tests.backends.llamacpp.asking import ask, process_of, started, supervisor_of, texts, write
from tests.backends.llamacpp.engine.conftest import _write_adapter


@pytest.fixture
async def backend(tiny_gguf: Path) -> AsyncIterator[LlamaCppBackend]:
    """The tiny model, started."""
    async with started(tiny_gguf) as made:
        yield made


async def test_agrees_with_transformers_on_equal_weights(backend: LlamaCppBackend, tiny_gguf: Path) -> None:
    """Two engines on the same float32 weights write the same tokens with the same log-probabilities."""
    other = MoeBackend(MoeOptions(model=str(tiny_gguf.parent), dtype="float32"))
    await other.start()
    text, tokens = await write(backend, ask("the quick brown fox"))
    deltas = [item async for item in other.stream(ask("the quick brown fox")) if isinstance(item, Delta)]
    await other.close()
    assert text == "".join(delta.text for delta in deltas)
    for token, its_twin in zip(tokens, (delta.tokens[0] for delta in deltas), strict=True):
        assert token.logprob == pytest.approx(its_twin.logprob, abs=0.02)
        assert token.entropy == pytest.approx(its_twin.entropy, abs=0.02)


async def test_concurrent_answers_are_those_that_each_gives_alone(backend: LlamaCppBackend) -> None:
    """More streams than places, and every one has the words that it has alone."""
    prompts = [ask(f"the quick brown {number}", limit=10 + number) for number in range(20)]
    alone = [(await write(backend, prompt))[0] for prompt in prompts]
    assert await texts(backend, prompts) == alone


async def test_a_kept_prefix_changes_no_word(backend: LlamaCppBackend) -> None:
    """A prompt whose beginning was read before is answered as it was the first time."""
    shared = "the quick brown fox jumps over the lazy dog " * 8
    fresh, _ = await write(backend, ask(shared + "one"))
    await write(backend, ask(shared + "two"))
    assert (await write(backend, ask(shared + "one")))[0] == fresh


async def test_enforces_a_json_schema(backend: LlamaCppBackend) -> None:
    """Even a random model writes JSON of the schema; where the schema leaves no choice it is sure."""
    schema = {
        "type": "object",
        "properties": {"size": {"enum": ["s", "m"]}, "sure": {"type": "boolean"}},
        "required": ["size", "sure"],
        "additionalProperties": False,
    }
    text, tokens = await write(backend, ask("x", response_format=JsonSchemaFormat(schema)))
    assert json.loads(text).keys() == {"size", "sure"}
    logprobs = [token.logprob for token in tokens]
    assert max(logprobs) == 0.0 > min(logprobs)


async def test_enforces_a_pattern_and_a_grammar(backend: LlamaCppBackend) -> None:
    """The other two forms hold as well, also at a temperature."""
    pattern = ask("x", temperature=1.5, seed=1, response_format=RegexFormat("[0-9]{3}-[a-f]{2}"))
    assert re.fullmatch("[0-9]{3}-[a-f]{2}", (await write(backend, pattern))[0])
    grammar = ask("x", response_format=GrammarFormat('root ::= "yes" | "no"'))
    assert (await write(backend, grammar))[0] in {"yes", "no"}


async def test_refuses_a_form_that_it_cannot_express(backend: LlamaCppBackend) -> None:
    """An impossible form is the request's fault, and the next request is served."""
    with pytest.raises(Refused):
        await write(backend, ask("x", response_format=RegexFormat("(unclosed")))
    assert (await write(backend, ask("x")))[1]


async def test_gives_as_many_probable_tokens_as_asked_for(backend: LlamaCppBackend) -> None:
    """At every position, best first; greedily the first of them is the one that was written."""
    _, tokens = await write(backend, ask("x", limit=5, top_logprob_count=3))
    assert [len(token.top) for token in tokens] == [3] * 5
    assert all(token.top[0][1] == pytest.approx(token.logprob) for token in tokens)


async def test_a_stop_string_ends_the_engine_too(backend: LlamaCppBackend) -> None:
    """The engine is told as soon as the text is complete; nothing is left running."""
    free, _ = await write(backend, ask("the quick"))
    stop = free[3:6]
    items = [item async for item in backend.stream(ask("the quick", limit=2000, stop=(stop,)))]
    assert isinstance(items[-1], Completion)
    assert items[-1].finish_reason is FinishReason.STOP
    await until_idle(backend)


async def test_closing_a_stream_frees_its_place(backend: LlamaCppBackend) -> None:
    """Streams that are closed in the middle leave the engine idle."""
    for _ in range(20):
        async with aclosing(backend.stream(ask("the quick", limit=2000))) as stream:
            await anext(stream)
    await until_idle(backend)
    assert supervisor_of(backend)._tickets == {}


async def test_a_deadline_frees_its_place(tiny_gguf: Path) -> None:
    """TimedOut tells what was used, and the engine stops; guesses would be done before it."""
    async with started(tiny_gguf, speculation="off") as backend:
        with pytest.raises(TimedOut, match=r"within 0\.1 s") as caught:
            await write(backend, ask("the quick", limit=2000), timeout_s=0.1)
        assert caught.value.usage.input_token_count > 0
        await until_idle(backend)


async def test_two_hundred_streams_at_once(tiny_gguf: Path) -> None:
    """All are answered, eight at a time; those beyond the queue are turned away at once."""
    async with started(tiny_gguf, queue_length=192) as backend:
        prompts = [ask(f"say {number}", limit=6) for number in range(210)]
        answers = await asyncio.gather(*(write(backend, each) for each in prompts), return_exceptions=True)
    turned_away = [answer for answer in answers if isinstance(answer, Overloaded)]
    assert len(turned_away) == 10
    assert sum(isinstance(answer, tuple) and len(answer[1]) == 6 for answer in answers) == 200


async def test_what_does_not_fit_never_reaches_the_engine(backend: LlamaCppBackend) -> None:
    """The context is checked here; with attention sinks there is no limit to check."""
    with pytest.raises(ContextTooLong, match="2048"):
        await write(backend, ask("word " * 3000))
    assert backend.capabilities.context_token_count == 2048


async def test_attention_sinks_take_what_does_not_fit(tiny_gguf: Path) -> None:
    """The context is unlimited, and says so."""
    async with started(tiny_gguf, context_token_count=64, attention_sink_token_count=4) as backend:
        assert backend.capabilities.context_token_count is None
        assert len((await write(backend, ask("word " * 100, limit=30)))[1]) == 30


async def test_says_what_it_can_do(backend: LlamaCppBackend) -> None:
    """Forms are enforced and log-probabilities given; nothing leaves the machine."""
    can = backend.capabilities
    assert all((can.logprobs, can.json_schema, can.regex, can.grammar))
    assert not can.external


async def test_counts_tokens_as_the_engine_reads_them(backend: LlamaCppBackend) -> None:
    """The estimate before and the bill after agree."""
    prompt = ask("the quick brown fox", limit=1)
    (*_, completion) = [item async for item in backend.stream(prompt)]
    assert isinstance(completion, Completion)
    assert completion.usage.input_token_count == backend.count_tokens(prompt)


async def test_what_looks_like_a_special_token_is_text_outside_a_template(backend: LlamaCppBackend) -> None:
    """An embedded text cannot end the text for the model."""
    assert len(backend._ready()[1].encode_text("<|end|>")) > 1


async def test_embeds(backend: LlamaCppBackend) -> None:
    """One vector of length 1 a text, in order, beside answers that are written meanwhile."""
    assert isinstance(backend, Embedder)
    words = ["quick", "the lazy dog jumps", "quick", "x", "fox", "quick brown"]
    vectors, _ = await asyncio.gather(backend.embed(words), write(backend, ask("the quick")))
    assert [math.hypot(*vector) for vector in vectors] == pytest.approx([1.0] * 6)
    assert vectors[0] == pytest.approx(vectors[2], abs=1e-5)
    assert vectors[0] != pytest.approx(vectors[1], abs=1e-2)


async def test_adapters_come_and_go(backend: LlamaCppBackend, tmp_path: Path) -> None:
    """A tenant is answered with its adapter from the moment that it is loaded until it is unloaded."""
    prompt = ask("the quick", caller=Caller(tenant="gold"))
    plain, _ = await write(backend, prompt)
    path = _write_adapter(tmp_path / "a.gguf", seed=1)
    await backend.load_adapter("gold", path, scale=4.0, tenants=["gold"])
    adapted, _ = await write(backend, prompt)
    assert adapted != plain
    assert (await write(backend, ask("the quick")))[0] == plain
    await backend.unload_adapter("gold")
    assert (await write(backend, prompt))[0] == plain


async def test_adapters_of_the_configuration_answer_their_tenants(tiny_gguf: Path, tmp_path: Path) -> None:
    """And only them."""
    path = _write_adapter(tmp_path / "a.gguf", seed=1)
    adapters = {"gold": {"path": str(path), "scale": 4.0, "tenants": ("gold",)}}
    async with started(tiny_gguf, adapters=adapters) as backend:
        prompts = [ask("the quick", caller=Caller(tenant=tenant)) for tenant in ("gold", "iron", "")]
        gold, iron, nobody = await texts(backend, prompts)
    assert iron == nobody != gold


async def test_says_how_busy_it_is(backend: LlamaCppBackend) -> None:
    """The last load reported, of an engine that has come to rest."""
    await asyncio.gather(*(write(backend, ask("the quick", limit=7)) for _ in range(3)))
    await until_idle(backend)
    load = backend.load
    assert load is not None
    assert (load.running_count, load.waiting_count, load.slot_count) == (0, 0, 8)
    assert load.written_token_count == 21
    assert backend.health.state == "ready"


async def test_a_worker_without_work_takes_no_time(backend: LlamaCppBackend) -> None:
    """Its threads sleep: no more than the odd sign of life."""
    await write(backend, ask("the quick"))
    await until_idle(backend)
    await asyncio.sleep(0.2)
    before = processor_ticks(process_of(backend))
    await asyncio.sleep(0.5)
    assert processor_ticks(process_of(backend)) - before <= 1


async def test_a_template_that_refuses_is_the_requests_fault(
    backend: LlamaCppBackend, tiny_gguf: Path
) -> None:
    """Other roles than it knows how to write are Refused, not a crash."""
    vocabulary = backend._ready()[1]
    vocabulary._formatter = vocabulary._formatter_of(b"{{ raise_exception('no') }}")
    with pytest.raises(Refused, match="order of roles: system"):
        backend.count_tokens(Prompt((Message(Role.SYSTEM, "x"),), Sampling()))


async def test_is_unavailable_before_its_start_and_after_its_end(tiny_gguf: Path) -> None:
    """Every method says so."""
    backend = LlamaCppBackend(LlamaCppOptions(model=str(tiny_gguf)))
    with pytest.raises(Unavailable, match="not been started"):
        await write(backend, ask("x"))
    await backend.close()
    for attempt in (backend.start(), backend.embed(["x"]), write(backend, ask("x"))):
        with pytest.raises(Unavailable, match="is closed"):
            await attempt


async def test_closing_in_the_middle_ends_its_streams(tiny_gguf: Path) -> None:
    """They are told that the backend was closed, with what they had used."""
    async with started(tiny_gguf) as backend:
        stream = backend.stream(ask("the quick", limit=2000))
        await anext(stream)
        await backend.close()
        with pytest.raises(Unavailable, match="closed") as caught:
            async for _ in stream:
                pass
    assert caught.value.usage.output_token_count > 0


async def until_idle(backend: LlamaCppBackend) -> None:
    """Wait until the engine reports that it does nothing."""
    async with asyncio.timeout(60):
        while backend.load is None or backend.load.running_count or backend.load.waiting_count:
            await asyncio.sleep(0.01)


def processor_ticks(process_id: int) -> int:
    """Hundredths of a second that a process has computed."""
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


async def test_a_draft_model_is_found_and_guesses(tiny_gguf: Path) -> None:
    """Named as the model is; answers are those without, and the load tells of guesses."""
    prompt = ask("the quick brown fox", limit=60)
    async with started(tiny_gguf, speculation="draft", draft_model=str(tiny_gguf)) as backend:
        guessed = await write(backend, prompt)
        assert backend.load is not None
        assert backend.load.drafted_token_count > 0
    async with started(tiny_gguf, speculation="off") as backend:
        assert (await write(backend, prompt))[0] == guessed[0]


async def test_a_missing_draft_model_is_named(tiny_gguf: Path) -> None:
    """With the option that names it."""
    with pytest.raises(Unavailable, match="draft_model"):
        async with started(tiny_gguf, speculation="draft", draft_model="/nowhere/draft.gguf"):
            pass


@pytest.mark.parametrize("options", [{"speculation": "draft"}, {"draft_model": "small.gguf"}])
def test_a_draft_model_and_its_use_go_together(options: dict[str, str]) -> None:
    """One without the other is a mistake."""
    with pytest.raises(ValidationError, match="set both"):
        LlamaCppOptions.model_validate({"model": "m.gguf", **options})
