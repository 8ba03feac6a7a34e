"""What the aggregator remembers: rounds, signed messages, contributions, requests."""
