"""The one open door: gRPC calls in, values below."""
