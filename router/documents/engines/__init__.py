"""What reads an element: the parser, a table model, OCR, and the model tiers of the router."""
