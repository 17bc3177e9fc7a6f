"""Which experts tokens ask for: recorded, drawn at random, played back, and what caches make of them."""
