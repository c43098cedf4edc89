"""Compares the simulated kernel with a real one, operation by operation."""
