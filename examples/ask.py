"""Ask one question and see which way its answer came.

Needs a running server: ``upshift serve examples/echo.yaml``.
"""

import os
import sys

from router.rpc.client import Client, UpshiftError

SERVER = os.environ.get("UPSHIFT_SERVER", "127.0.0.1:50051")


def main() -> None:
    """Ask, and print the answer and its account."""
    with Client(SERVER) as upshift:
        try:
            answer = upshift.generate("riddle", min_confidence=0.8, max_cost_usd=0.01, timeout_s=10)
        except UpshiftError as error:
            # `reason` is a stable word to branch on, such as BUDGET_EXHAUSTED.
            sys.exit(f"{error.reason}: {error}")
    print(answer.text)
    # None: nothing is calibrated for this tier, and no stand-in was allowed.
    confidence = "unknown" if answer.confidence is None else f"{answer.confidence:.2f}"
    print(f"confidence {confidence}, ${answer.cost_usd:.6f}, {answer.latency_s * 1000:.0f} ms")
    for attempt in answer.attempts:
        print(f"  {attempt.number}. {attempt.tier}: {attempt.outcome}, {attempt.reason}")


if __name__ == "__main__":
    main()
