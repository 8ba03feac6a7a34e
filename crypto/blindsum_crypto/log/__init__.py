"""The transparency log's hashing."""
