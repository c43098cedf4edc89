"""Change devices: bind, unbind, restore, as transactions with a record."""
