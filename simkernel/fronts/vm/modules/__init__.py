"""The guest's modules: where they come from and how they are built."""
