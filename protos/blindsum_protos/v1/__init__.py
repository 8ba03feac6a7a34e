"""Generated code of the wire messages; the .proto files beside it are the text to read."""
