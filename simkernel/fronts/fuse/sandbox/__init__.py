"""The namespaces that programs run in, as seen from outside."""
