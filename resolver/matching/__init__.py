"""Decide which driver fits a device. Pure: text and values in, values out."""
