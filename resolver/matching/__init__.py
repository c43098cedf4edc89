"""Choose a driver for a device. Pure: text and values in, values out."""
