"""The wire: the router as a gRPC service, and a client for it.

``wire`` and ``rules`` translate and check messages, ``status`` translates errors, ``service``
answers calls, ``edge`` binds it to gRPC, ``server`` runs it, ``client`` asks it. The router behind
it is known only by its seam (``seam.Core``).
"""
