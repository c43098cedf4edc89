"""Fronts run programs on a simulated kernel; they contain no rule of the kernel."""
