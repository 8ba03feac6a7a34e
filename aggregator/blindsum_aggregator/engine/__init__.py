"""The engine that adds sealed vectors."""
