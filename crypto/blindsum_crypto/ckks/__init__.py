"""The CKKS seal: exact integer sums in the coefficients of a ring."""
