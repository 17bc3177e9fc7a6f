"""What document pipelines read right, and at what cost, on public samples with human truth."""
