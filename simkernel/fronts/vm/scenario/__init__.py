"""Sets a scenario up in a guest, as far as a real kernel supports it."""
