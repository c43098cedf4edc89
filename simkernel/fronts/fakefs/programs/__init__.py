"""Programs that run on the simulated host: Python code and simulated tools."""
