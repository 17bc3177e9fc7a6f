"""Use LlamaIndex: its class for servers that speak OpenAI's API.

Needs a running server, ``upshift serve examples/echo.yaml --http 127.0.0.1:8080``, and
``pip install llama-index-llms-openai-like``.
"""

import os

from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike

SERVER = os.environ.get("UPSHIFT_HTTP", "http://127.0.0.1:8080")


def main() -> None:
    """Ask once whole and once streamed."""
    model = OpenAILike(
        model="auto",
        api_base=f"{SERVER}/v1",
        api_key=os.environ.get("UPSHIFT_API_KEY", "none"),
        is_chat_model=True,
        context_window=8192,
    )
    print(model.chat([ChatMessage(content="riddle")]).message.content)
    for piece in model.stream_chat([ChatMessage(content="What is routing?")]):
        print(piece.delta, end="")
    print()


if __name__ == "__main__":
    main()
