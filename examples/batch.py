"""Answer many prompts at once, each within its own budget, and see what each tier did.

The server bounds what runs at a time (``limits.concurrency`` of each tier) and queues the rest.
Needs a running server: ``upshift serve examples/echo.yaml``.
"""

import asyncio
import os
from collections import Counter

from router.rpc.client import Answer, AsyncClient, UpshiftError

SERVER = os.environ.get("UPSHIFT_SERVER", "127.0.0.1:50051")
PROMPTS = [f"Say {number} in words." for number in range(1, 40)] + ["riddle"] * 10


async def ask(upshift: AsyncClient, prompt: str) -> Answer | UpshiftError:
    """Answer one prompt; a failure is a result too, so that it does not end the batch."""
    try:
        # Money is set aside for the longest answer; the shorter that is, the more tiers can be afforded.
        return await upshift.generate(prompt, max_cost_usd=0.005, max_output_tokens=100, timeout_s=30)
    except UpshiftError as error:
        return error


async def main() -> None:
    """Ask everything and print a line for each tier."""
    async with AsyncClient(SERVER) as upshift:
        results = await asyncio.gather(*(ask(upshift, prompt) for prompt in PROMPTS))
    answers = [result for result in results if isinstance(result, Answer)]
    for tier, count in Counter(answer.tier for answer in answers).most_common():
        cost_usd = sum(answer.cost_usd for answer in answers if answer.tier == tier)
        print(f"{tier:<10} {count:>3} answers  ${cost_usd:.6f}")
    for reason, count in Counter(r.reason for r in results if isinstance(r, UpshiftError)).items():
        print(f"{count} failed: {reason}")


if __name__ == "__main__":
    asyncio.run(main())
