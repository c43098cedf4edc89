"""A simulated Linux driver core to test driver-binding tools on."""
