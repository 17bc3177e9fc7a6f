"""Pages for those who run a server: what it does and saves, and why; and where its policy is changed.

They add no logic of routing. Live figures come from listening to requests that end, history from the journal,
changes go the way of the admin service.
"""
