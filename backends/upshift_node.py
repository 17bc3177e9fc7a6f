"""Another Upshift node over gRPC: an edge that shifts up to a regional node, which routes on by itself.

Decides how a call keeps the seam's rules: deadline, remaining budget, constraints and trace travel along,
leaving the stream cancels the call, and a request that has passed too many nodes goes no further.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import grpc
from upshift.v1 import router_pb2
from upshift.v1.router_pb2_grpc import RouterServiceStub

from backends.api_key import ApiKey
from backends.deadline import deadline_after, until
from backends.errors import BackendError, Refused, TimedOut, Unavailable
from backends.prompt_size import character_count
from backends.streamed_answer import estimated_token_count
from backends.types import Capabilities, Completion, Delta, Prompt, Terms
from backends.upshift_node_answer import NodeAnswer
from backends.upshift_node_errors import error_of
from backends.upshift_node_options import UpshiftNodeOptions
from backends.upshift_node_wire import request_message, request_metadata

# What a chat template adds around a message, roughly.
_TOKENS_PER_MESSAGE = 4
_CHANNEL_OPTIONS = (
    # Who tries again, and how often, is decided above this seam.
    ("grpc.enable_retries", 0),
    ("grpc.service_config_disable_resolution", 1),
    # A node that comes back is found soon; gRPC's own default waits up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.max_receive_message_length", 16 << 20),
    # Else channels share connections, and closing one closes nothing.
    ("grpc.use_local_subchannel_pool", 1),
)


class UpshiftNodeBackend:
    """Streams answers from a node; any number at a time. It gives no log-probabilities."""

    Options = UpshiftNodeOptions

    def __init__(self, options: UpshiftNodeOptions) -> None:
        self.options = options
        self.capabilities = Capabilities(
            model=options.policy or "upshift",
            max_output_token_count=options.max_output_token_count,
            grammar=options.grammar,
            external=options.leaves_machine,
        )
        self._key = ApiKey(options.api_key, options.api_key_file)
        self._channel: grpc.aio.Channel | None = None

    async def start(self) -> None:
        """Open the channel and ask for the node's tiers: they tell what fits into it, and what it can do."""
        if self._channel is None:
            self._channel = self._open()
        if self.options.start_check:
            tiers = await self._tiers(self._channel)
            contexts = [tier.context_token_count for tier in tiers]
            self.capabilities = replace(
                self.capabilities,
                # Most tokens that any tier takes; not known where one does not say.
                context_token_count=max(contexts) if contexts and all(contexts) else None,
                tools=any(tier.tools for tier in tiers),
            )

    async def close(self) -> None:
        """End all calls and disconnect."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()

    def count_tokens(self, prompt: Prompt) -> int:
        """Estimated tokens; the tokenizers of the node's tiers are not at hand."""
        return estimated_token_count(character_count(prompt)) + _TOKENS_PER_MESSAGE * len(prompt.messages)

    def stream(self, prompt: Prompt, *, timeout_s: float | None = None) -> AsyncGenerator[Delta | Completion]:
        """Answer ``prompt`` as the node sends it."""
        return self._answer(prompt, timeout_s, deadline_after(timeout_s))

    async def _answer(
        self, prompt: Prompt, timeout_s: float | None, deadline: float | None
    ) -> AsyncGenerator[Delta | Completion]:
        self._check_leave(prompt)
        answer = NodeAnswer(
            estimated_input_token_count=self.count_tokens(prompt), output_limit=self._limit(prompt)
        )
        try:
            async with aclosing(until(self._deltas(prompt, timeout_s, answer), deadline)) as deltas:
                async for delta in deltas:
                    yield delta
        except TimeoutError as exc:
            said = f"node {self.options.target}: no complete answer in {timeout_s} s"
            raise TimedOut(said, usage=answer.usage) from exc
        except BackendError as exc:
            # A node that breaks off behind its result has answered.
            if answer.completion is None:
                exc.usage = answer.usage
                raise
        if answer.completion is None:
            raise Unavailable(f"node {self.options.target} ended without a result", usage=answer.usage)
        yield answer.completion

    async def _deltas(
        self, prompt: Prompt, timeout_s: float | None, answer: NodeAnswer
    ) -> AsyncGenerator[Delta]:
        if self._channel is None:
            raise Unavailable("the backend is not started, or closed")
        call = RouterServiceStub(self._channel).StreamGenerate(
            request_message(prompt, output_limit=self._limit(prompt), policy=self.options.policy),
            timeout=timeout_s,
            metadata=request_metadata(prompt.terms, self._key.current()),
        )
        try:
            async for event in call:
                if (delta := answer.add(event)) != Delta():
                    yield delta
        except grpc.aio.AioRpcError as exc:
            # Not `from exc`: its words are the node's, which may repeat the prompt.
            raise error_of(exc, self.options.target) from None
        except asyncio.CancelledError as exc:
            # gRPC ends the calls of a channel that closes in this way, though nobody cancelled the task.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise Unavailable(f"the call to node {self.options.target} was closed") from exc
        finally:
            call.cancel()

    def _limit(self, prompt: Prompt) -> int:
        limit = self.options.max_output_token_count
        return min(prompt.sampling.max_output_token_count or limit, limit)

    async def _tiers(self, channel: grpc.aio.Channel) -> Sequence[router_pb2.Tier]:
        call = RouterServiceStub(channel).ListTiers(
            router_pb2.ListTiersRequest(page_size=1000),
            timeout=self.options.start_timeout_s,
            metadata=request_metadata(Terms(), self._key.current()),
        )
        try:
            return (await call).tiers
        except grpc.aio.AioRpcError as exc:
            raise error_of(exc, self.options.target) from None

    def _check_leave(self, prompt: Prompt) -> None:
        limit, hop_count = self.options.max_hop_count, prompt.terms.hop_count
        if hop_count >= limit:
            raise Refused(
                f"{hop_count} nodes have passed the request on, and at most {limit} may; nodes that "
                "ask each other in a circle need other ladders, longer chains a higher max_hop_count"
            )
        if self.capabilities.external and not prompt.clearance.may_leave:
            raise Refused(f"the request must stay on this machine, and node {self.options.target} is another")

    def _open(self) -> grpc.aio.Channel:
        options = self.options
        settings = (*_CHANNEL_OPTIONS, ("grpc.enable_http_proxy", int(options.environment_proxy)))
        if not options.tls:
            return grpc.aio.insecure_channel(options.target, settings)
        credentials = grpc.ssl_channel_credentials(
            _file(options.ca_file), _file(options.certificate_key_file), _file(options.certificate_file)
        )
        return grpc.aio.secure_channel(options.target, credentials, settings)


def _file(path: str | None) -> bytes | None:
    try:
        return None if path is None else Path(path).read_bytes()
    except OSError as exc:
        raise Unavailable(f"{path} cannot be read: {exc.strerror}") from exc
