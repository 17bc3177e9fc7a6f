"""What is seen of a running server from outside: metrics, traces, and a line a request."""
