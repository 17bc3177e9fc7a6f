"""Show text as it is written, and take it back where its tier turns out not to be trusted.

Without ``allow_retraction`` the server holds text until it is trusted, and ``stream_text`` is enough.
Needs a running server: ``upshift serve examples/echo.yaml``.
"""

import asyncio
import os

from router.rpc.client import Answer, AsyncClient, AttemptRejected, AttemptStarted, TextDelta

SERVER = os.environ.get("UPSHIFT_SERVER", "127.0.0.1:50051")


async def main() -> None:
    """Stream one answer, with retraction and then without."""
    async with AsyncClient(SERVER) as upshift:
        async for event in upshift.stream("riddle", allow_retraction=True):
            match event:
                case AttemptStarted():
                    print(f"[{event.tier}] ", end="")
                case TextDelta():
                    print(event.text, end="", flush=True)
                case AttemptRejected():
                    print(f"  <- withdrawn: {event.reason}")
                case Answer():
                    print(f"\n{event.tier} answered for ${event.cost_usd:.6f}")

        async for text in upshift.stream_text("riddle"):
            print(text, end="", flush=True)
        print()


if __name__ == "__main__":
    asyncio.run(main())
