"""Builds the guest's module directory and the modules in it."""
