"""The programs that can run on the simulated host."""
