"""Use OpenAI's own client: change its base URL, and ask for the model ``auto``.

Needs a running server, ``upshift serve examples/echo.yaml --http 127.0.0.1:8080``, and
``pip install openai``.
"""

import os

from openai import OpenAI

SERVER = os.environ.get("UPSHIFT_HTTP", "http://127.0.0.1:8080")


def main() -> None:
    """Ask once whole, once streamed, and see why each answer is what it is."""
    with OpenAI(base_url=f"{SERVER}/v1", api_key=os.environ.get("UPSHIFT_API_KEY", "none")) as client:
        answer = client.chat.completions.with_raw_response.create(
            model="auto",
            messages=[{"role": "user", "content": "riddle"}],
            # What is asked of the router; every answer's headers tell what came of it.
            extra_body={"upshift": {"min_confidence": 0.8, "max_cost_usd": 0.01}},
        )
        print(answer.parse().choices[0].message.content)
        for name in ("tier", "confidence", "attempts", "cost-usd", "saved-usd"):
            print(f"  {name}: {answer.headers[f'x-upshift-{name}']}")

        stream = client.chat.completions.create(
            model="edge", messages=[{"role": "user", "content": "What is routing?"}], stream=True
        )
        for chunk in stream:
            print(chunk.choices[0].delta.content or "", end="")
        print()


if __name__ == "__main__":
    main()
