"""What a request costs over our doors, beside LiteLLM's proxy and an echo that does nothing."""
