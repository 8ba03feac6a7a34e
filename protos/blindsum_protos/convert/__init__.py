"""Messages to values and back: the one place that knows both worlds."""
