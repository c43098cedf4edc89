"""Random programs for the comparison of two kernels."""
