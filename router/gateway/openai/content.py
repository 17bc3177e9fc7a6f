"""What both of OpenAI's APIs have alike: pictures as ``data:`` addresses, and words for calling tools."""

from __future__ import annotations

import binascii
from base64 import b64decode

from upshift.v1 import types_pb2

from router.gateway.body import unsupported

TOOL_MODES = {
    "auto": types_pb2.TOOL_MODE_AUTO,
    "none": types_pb2.TOOL_MODE_NONE,
    "required": types_pb2.TOOL_MODE_REQUIRED,
}


def image_message(address: str, path: str) -> types_pb2.Image:
    """The picture in a ``data:`` address. Raises InvalidRequest for any other: nothing is fetched."""
    head, comma, data = address.partition(",")
    if not (comma and head.startswith("data:") and head.endswith(";base64")):
        said = "is no `data:image/…;base64,…`; send the picture itself, for nothing is fetched"
        raise unsupported(path, said)
    return image(data, head.removeprefix("data:").removesuffix(";base64"), path)


def image(data: str, media_type: str, path: str) -> types_pb2.Image:
    """The picture of ``data`` in base 64. Raises InvalidRequest where it is not."""
    try:
        return types_pb2.Image(data=b64decode(data, validate=True), media_type=media_type)
    except (binascii.Error, ValueError):
        raise unsupported(path, "is no base 64") from None
