"""A scenario in a guest: what it supports, its functions and starting state."""
