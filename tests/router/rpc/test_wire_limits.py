"""What a stranger may send: so large, so deep, so much beside it, and no more; the next call is answered."""

from __future__ import annotations

import grpc
import pytest
from google.protobuf.struct_pb2 import Struct
from upshift.v1 import router_pb2, types_pb2

from router.rpc.names import SERVICE_NAME
from tests.router.rpc.conftest import Serve, Served

# A Struct within a value of a Struct, down to where no parser of protobuf follows (100 levels).
_DEEP = 400


def length_delimited(field: int, content: bytes) -> bytes:
    """A field of protobuf's wire format."""
    size, length = len(content), b""
    while size > 0x7F:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([field << 3 | 2]) + length + bytes([size]) + content


def nested_schema(depth: int) -> bytes:
    """A GenerateRequest with a JSON Schema of ``depth`` levels, which the library would refuse to make."""
    value = b""
    for _ in range(depth):
        entry = length_delimited(1, b"x") + length_delimited(2, length_delimited(5, value))
        value = length_delimited(1, entry)
    form = length_delimited(1, length_delimited(1, value))
    asked = length_delimited(1, length_delimited(3, form))
    message = types_pb2.Message(role=types_pb2.ROLE_USER, content="hi")
    prompt = types_pb2.Prompt(messages=[message])
    return length_delimited(1, prompt.SerializeToString()) + asked


async def refusal(served: Served, raw: bytes, metadata: tuple[tuple[str, str], ...] = ()) -> grpc.StatusCode:
    """How the call ends; the server must go on answering."""
    generate: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = served.channel.unary_unary(
        f"/{SERVICE_NAME}/Generate"
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await generate(raw, metadata=metadata, timeout=20.0)
    assert (await served.client.generate("still there?", timeout_s=20.0)).text == "still there?"
    return caught.value.code()


@pytest.mark.parametrize("depth", [40, _DEEP])
async def test_deep_nesting_is_the_callers_error(serve: Serve, depth: int) -> None:
    """Beyond our own limit, and beyond protobuf's."""
    assert await refusal(await serve(), nested_schema(depth)) is grpc.StatusCode.INVALID_ARGUMENT


async def test_nesting_within_the_limit_is_read(serve: Serve) -> None:
    """The bytes of these tests are a request, only deeper than any should be."""
    read = router_pb2.GenerateRequest.FromString(nested_schema(2))
    schema: Struct = read.prompt.response_format.json_schema.schema
    assert list(schema) == ["x"]


async def test_much_metadata_is_turned_away(serve: Serve) -> None:
    """Headers are memory too, before anybody knows who calls."""
    served = await serve(max_metadata_bytes=2048)
    code = await refusal(served, b"", (("x-filler", "x" * 4096),))
    assert code in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE)
    code = await refusal(served, b"", tuple((f"x-{number}", "y" * 50) for number in range(100)))
    assert code in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE)


@pytest.mark.parametrize("raw", [b"\xff" * 64, b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\x02\xc3\x28"])
async def test_bytes_that_are_no_message_are_the_callers_error(serve: Serve, raw: bytes) -> None:
    """Lengths that lie and text that is no UTF-8 too."""
    assert await refusal(await serve(), raw) is grpc.StatusCode.INVALID_ARGUMENT
