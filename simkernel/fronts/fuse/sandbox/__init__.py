"""Start and control of the process inside the namespaces."""
