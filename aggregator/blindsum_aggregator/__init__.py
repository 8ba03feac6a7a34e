"""The aggregator: the only listener; adds sealed vectors and opens only their sums."""
