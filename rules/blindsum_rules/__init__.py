"""The rules that every role checks, as values without input or output."""
