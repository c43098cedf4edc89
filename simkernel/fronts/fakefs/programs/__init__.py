"""Programs of the fakefs tier: Python and simulated tools."""
