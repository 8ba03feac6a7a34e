"""What encryption costs: the frame of every benchmark, and the sealed round that `bench` times."""
