"""Pictures in a prompt, as each API takes them."""

from __future__ import annotations

from typing import Any

from backends import anthropic_messages_wire, openai_chat_wire, openai_responses_wire
from backends.openai_chat import OpenAIChatBackend
from backends.openai_chat_options import OpenAIChatOptions
from backends.types import Image, Message, Prompt, Role

PROMPT = Prompt((Message(Role.USER, "read", (Image(b"\x01", "image/png"),)),))
PLAIN = Prompt((Message(Role.USER, "read"),))


def test_chat_completions_take_a_data_address() -> None:
    """Pictures stand before the text; without any, the text stands alone as before."""
    content = openai_chat_wire.request_body("m", PROMPT)["messages"][0]["content"]
    assert content == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AQ=="}},
        {"type": "text", "text": "read"},
    ]
    assert openai_chat_wire.request_body("m", PLAIN)["messages"][0]["content"] == "read"


def test_messages_take_a_source() -> None:
    """Anthropic's API has the type beside the bytes."""
    content = anthropic_messages_wire.request_body("m", PROMPT, 10)["messages"][0]["content"]
    assert content[0]["source"] == {"type": "base64", "media_type": "image/png", "data": "AQ=="}


def test_responses_take_an_input_image() -> None:
    """OpenAI's newer API names its parts otherwise."""
    body: dict[str, Any] = openai_responses_wire.request_body("m", PROMPT, 10)
    assert [part["type"] for part in body["input"][0]["content"]] == ["input_image", "input_text"]


def test_pictures_count_as_tokens() -> None:
    """A budget reckons with what pictures cost."""
    options = OpenAIChatOptions.model_validate(
        {"base_url": "http://127.0.0.1:1/v1", "model": "m", "images": True}
    )
    backend = OpenAIChatBackend(options)
    assert backend.capabilities.images
    assert backend.count_tokens(PROMPT) > backend.count_tokens(PLAIN) + 700


def test_bytes_stay_out_of_logs() -> None:
    """A picture's ``repr`` does not hold it."""
    assert "x01" not in repr(PROMPT)
