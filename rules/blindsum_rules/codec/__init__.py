"""From a client's update to integers and back: one codec for both seals."""
