"""What keeps a tier's faults from becoming everybody's: decisions about when to ask it, and how often.

Each file decides one thing and is pure, its time injected: ``breaker``, ``throttle``, ``retrying``,
``adaptive_limit``, ``hedging``. ``gate`` is the queue before a tier, ``guard`` joins them into its one door,
and every ``call`` goes through that. The loop calls them; they know no request.
"""
