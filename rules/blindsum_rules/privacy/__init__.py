"""What differential privacy asks of a round: the noise of every share, and what it costs."""
