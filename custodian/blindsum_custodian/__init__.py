"""The key management: it releases the one secret that opens a sum, and never a part's."""
