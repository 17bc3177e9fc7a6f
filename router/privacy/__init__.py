"""What may leave this machine: who says so (``rules``), and where it is held to (``border``)."""
