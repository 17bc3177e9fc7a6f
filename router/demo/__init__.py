"""The demo: real tiers, real requests over gRPC, and what routing saves on them.

It needs the pocket family, which lives in the repository's ``examples/`` and is loaded by name.
"""
