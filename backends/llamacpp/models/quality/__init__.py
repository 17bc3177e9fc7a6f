"""What a quantised model lost against its original, measured token by token."""
