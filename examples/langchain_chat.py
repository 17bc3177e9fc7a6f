"""Use LangChain: its chat model for OpenAI, with another base URL.

Needs a running server, ``upshift serve examples/echo.yaml --http 127.0.0.1:8080``, and
``pip install langchain-openai``.
"""

import os
from typing import Any

from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI

SERVER = os.environ.get("UPSHIFT_HTTP", "http://127.0.0.1:8080")


def main() -> None:
    """Run a chain whose model is routed."""
    model = ChatOpenAI(
        model="auto",
        base_url=f"{SERVER}/v1",
        api_key=lambda: os.environ.get("UPSHIFT_API_KEY", "none"),
        extra_body={"upshift": {"max_cost_usd": 0.01}},
    )
    chain = ChatPromptTemplate.from_messages([("human", "{question}")]) | model
    answer = chain.invoke({"question": "riddle"})
    print(answer.text)
    used: Any = answer.usage_metadata or {}
    print(f"  {answer.response_metadata['model_name']}, {used.get('total_tokens')} tokens")
    print("".join(chunk.text for chunk in chain.stream({"question": "What is routing?"})))


if __name__ == "__main__":
    main()
