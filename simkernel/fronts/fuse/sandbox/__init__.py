"""Starts and controls the process that makes the namespaces."""
