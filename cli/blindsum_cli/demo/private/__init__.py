"""The private demo: the hospitals' records are hidden in the sum, and the budget says how well."""
