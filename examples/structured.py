"""Get JSON under a schema. A tier whose answer breaks the schema is not believed: the next one is asked.

In ``echo.yaml`` only the frontier knows this answer; the edge's text is no JSON, so its attempt fails.
Needs a running server: ``upshift serve examples/echo.yaml``.
"""

import os

from router.rpc.client import Client

SERVER = os.environ.get("UPSHIFT_SERVER", "127.0.0.1:50051")
QUESTION = "Which order is this? Three crates of pears for Ada, please."
SCHEMA = {
    "type": "object",
    "properties": {
        "customer": {"type": "string"},
        "item": {"type": "string"},
        "crate_count": {"type": "integer", "minimum": 1},
    },
    "required": ["customer", "item", "crate_count"],
    "additionalProperties": False,
}


def main() -> None:
    """Ask for an object and use its fields."""
    with Client(SERVER) as upshift:
        answer = upshift.generate(QUESTION, schema=SCHEMA)
    if answer.confidence == 0:  # even the top tier's answer breaks the schema
        raise SystemExit(f"no tier kept to the schema; {answer.tier} said: {answer.text}")
    order = answer.json()
    print(f"{order['customer']} wants {order['crate_count']} crates of {order['item']}")
    for attempt in answer.attempts:
        print(f"  {attempt.tier}: {attempt.reason}")


if __name__ == "__main__":
    main()
