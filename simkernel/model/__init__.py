"""The simulated kernel: pure state, without input or output."""
