"""Replacements of parts of the standard library, such as ``os`` and ``io``."""
