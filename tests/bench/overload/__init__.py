"""What a server does when too much is asked of it, when it is told to stop, killed, left, or just goes on."""
