"""Replacements of parts of the standard library."""
