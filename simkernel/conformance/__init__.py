"""Whether the simulated kernel says what the real one said."""
