"""Scenarios: a host described in a template, and the simulated host built from it."""
