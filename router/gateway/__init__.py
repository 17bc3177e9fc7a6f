"""The HTTP front door: OpenAI's and Anthropic's APIs over the same core as the gRPC service.

It translates and adds nothing of its own: what a request may hold is checked by the rules of ``router.rpc``,
and who may call, how often and for how much by the same doors.
"""
