"""Use Anthropic's own client: change its base URL, and ask for the model ``auto``.

Needs a running server, ``upshift serve examples/echo.yaml --http 127.0.0.1:8080``, and
``pip install anthropic``.
"""

import os

from anthropic import Anthropic

SERVER = os.environ.get("UPSHIFT_HTTP", "http://127.0.0.1:8080")


def main() -> None:
    """Stream an answer, and say which tier gave it."""
    key = os.environ.get("UPSHIFT_API_KEY", "none")
    with (
        Anthropic(base_url=SERVER, api_key=key) as client,
        client.messages.stream(
            model="auto", max_tokens=200, messages=[{"role": "user", "content": "riddle"}]
        ) as stream,
    ):
        for text in stream.text_stream:
            print(text, end="")
        message = stream.get_final_message()
    print(f"\n  {message.model}, {message.usage.output_tokens} tokens, {message.stop_reason}")


if __name__ == "__main__":
    main()
