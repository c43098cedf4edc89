"""Text, tables and JSON documents for the results of commands."""
