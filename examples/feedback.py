"""Tell the router how good its answers were; its journal joins scores and decisions.

Graded answers are what confidence is calibrated from. Needs a running server that keeps a journal:
``upshift serve examples/echo.yaml``.
"""

import os

from router.rpc.client import Client

SERVER = os.environ.get("UPSHIFT_SERVER", "127.0.0.1:50051")


def main() -> None:
    """Ask, grade the answer, and change one's mind."""
    with Client(SERVER) as upshift:
        answer = upshift.generate("What is routing?")
        print(f"{answer.request_id}: {answer.text}")

        upshift.submit_feedback(answer.request_id, score=1.0, source="user")
        # One score for each source: a second one replaces the first.
        replaced = upshift.submit_feedback(answer.request_id, score=0.5, source="user")
        print(f"replaced the first score: {replaced}")


if __name__ == "__main__":
    main()
