"""Diagnose why a host cannot use VFIO, and how to fix it.

``examination`` reads the facts, ``checks`` turns them into findings, ``report`` prints
the findings.
"""
