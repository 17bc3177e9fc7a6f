"""What keeps a tier's faults from becoming everybody's: decisions about when to ask it, and how often.

Each file decides one thing and is pure, its time injected: ``breaker``, ``throttle``, ``retrying``,
``adaptive_limit``, ``hedging``. ``gate`` is the queue before a tier, and ``guard`` joins them into the one
door that every call to a tier goes through. The loop calls them; they know no request.
"""
