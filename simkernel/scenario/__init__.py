"""Scenarios: templates that describe a host."""
