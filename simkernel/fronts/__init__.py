"""Ways to run programs on a simulated kernel; no kernel rules."""
