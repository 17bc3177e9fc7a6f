"""Models behind one seam: what goes in, what comes out, and the adapters that run them.

Nothing here knows of routing, of policies or of the wire. Importing this package loads no
model library; an adapter is loaded by name, through :mod:`backends.registry`.
"""
