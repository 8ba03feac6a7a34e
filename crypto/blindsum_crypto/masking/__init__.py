"""The seal "masking": pairwise masks that cancel in the sum, after Bonawitz et al. 2017."""
