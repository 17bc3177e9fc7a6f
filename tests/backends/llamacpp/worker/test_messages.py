"""Messages: what is written is read again, and nothing else is taken."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends import errors
from backends.errors import BackendError, Overloaded, Unavailable
from backends.llamacpp.options import AdapterOptions, LlamaCppOptions
from backends.llamacpp.worker.frames import FrameError, FrameReader
from backends.llamacpp.worker.messages import (
    AddAdapter,
    Cancel,
    Close,
    Embed,
    ErrorKind,
    Fault,
    Open,
    Opened,
    OpenFailed,
    Order,
    Ping,
    Pulse,
    RemoveAdapter,
    Reply,
    Report,
    Submit,
    WorkFailed,
    read_order,
    read_report,
    write_order,
    write_report,
)
from backends.load import Load
from backends.serving.work import Began, Work, Wrote
from backends.types import Caller, GrammarFormat, JsonSchemaFormat, RegexFormat, Sampling, TokenLogprob

FORMS = (None, JsonSchemaFormat({"enum": [1, None, "é"]}), RegexFormat("a+"), GrammarFormat('root ::= "a"'))
OPTIONS = LlamaCppOptions(
    model="m.gguf",
    adapters={"a": AdapterOptions(path="a.gguf", tenants=("t",))},
    reasoning_tags=("<a>", "</a>"),
)
WORK = Work(7, (1, 2), Sampling(seed=2**64 - 1, stop=("x",)), 9, None, Caller("t", 1), "a", 1.5, (8,))
ORDERS: tuple[Order, ...] = (
    Open("m", "/m.gguf", OPTIONS, extra_buffers=False),
    Close("m"),
    Cancel("m", 3),
    Embed("m", 4, ((1, 2), (3,))),
    AddAdapter("m", 5, "a", "/a.gguf", 0.5),
    RemoveAdapter("m", 6, "a"),
    Ping(),
    *(Submit("m", replace(WORK, response_format=form)) for form in FORMS),
)
REPORT = Report(
    opening=("m",),
    opened=(Opened("m", 10, 20, extra_buffers=True),),
    open_failed=(OpenFailed("n", Fault("refused", "no")),),
    began=(Began(1, 5),),
    wrote=(Wrote(1, 2, TokenLogprob("é", -0.5, -1.5, 0.1, (("é", -0.5), ("", -9.0))), ends=True),),
    failed=(WorkFailed(2, Fault("overloaded", "full", 1.5)),),
    replies=(Reply(3, ((0.6, 0.8),)),),
    loads={"m": Load(1, 2, 3, 4, 5, 6, 7, 8, 9)},
    pulse=Pulse(4, busy=True),
)


def payload(data: bytes) -> bytes:
    (found,) = FrameReader().feed(data)
    return found


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.kind)
def test_orders_come_back(order: Order) -> None:
    """Every kind of order is the same after the way to the worker."""
    assert read_order(payload(write_order(order))) == order


def test_a_report_comes_back() -> None:
    """A report with everything in it is the same after the way to the service."""
    assert read_report(payload(write_report(REPORT))) == REPORT


@given(st.floats(allow_nan=False, allow_infinity=False), st.text(st.characters(codec="utf-8")))
def test_statistics_come_back_exactly(logprob: float, text: str) -> None:
    """Numbers and texts lose nothing."""
    report = Report(wrote=(Wrote(1, 2, TokenLogprob(text, logprob)),))
    assert read_report(payload(write_report(report))) == report


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '{"unknown":1}',
        '{"wrote":[{"id":"1","token":2,"logprob":{"text":"x","logprob":-1.0}}]}',
        '{"wrote":[{"id":1,"token":2,"logprob":{"text":"x","logprob":NaN}}]}',
        '{"wrote":[{"id":1,"token":2,"logprob":{"text":7,"logprob":-1.0}}]}',
        '{"failed":[{"id":1,"fault":{"error":"system_exit","message":""}}]}',
    ],
)
def test_anything_else_is_no_report(text: str) -> None:
    """Unknown fields, other types and numbers that are none are refused."""
    with pytest.raises(FrameError, match="not a valid report"):
        read_report(text.encode())


def test_the_refusal_does_not_repeat_what_it_saw() -> None:
    """An error message may be logged, and the message may hold a prompt."""
    with pytest.raises(FrameError) as caught:
        read_order(b'{"kind":"submit","model":"m","work":"secret"}')
    assert "secret" not in str(caught.value)


@given(st.binary())
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    """Garbage is a FrameError, whatever it is."""
    with pytest.raises(FrameError):
        read_report(data + b"\xff")


def test_every_backend_error_has_a_kind() -> None:
    """An error that is raised in the worker is raised as the same class in the service."""
    tree = [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, BackendError)]
    for cls in set(tree) - {BackendError}:
        assert type(Fault.of(cls("why")).to_error()) is cls
    assert len(get_args(ErrorKind)) == len(tree) - 1


def test_an_error_of_another_family_member_is_unavailable() -> None:
    """What has no kind of its own goes as its nearest base."""
    assert type(Fault.of(BackendError("why")).to_error()) is Unavailable


def test_when_to_come_back_survives() -> None:
    """Overloaded brings its hint along."""
    error = Fault.of(Overloaded("full", retry_after_s=2.5)).to_error()
    assert isinstance(error, Overloaded)
    assert error.retry_after_s == 2.5


def test_an_adapter_is_added_and_removed() -> None:
    """The order to open a model can be kept up to date with its adapters."""
    order = Open("m", "/m.gguf", OPTIONS)
    added = order.with_adapter("b", AdapterOptions(path="b.gguf"))
    assert set(added.options.adapters) == {"a", "b"}
    assert added.with_adapter("b", None) == order
