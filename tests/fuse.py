"""What a test needs of this machine for the fuse tier."""

from __future__ import annotations

import os

import pytest

from simkernel.testing.fuse_tier import missing

__all__ = ["needs_fuse"]

FORCED = os.environ.get("SIMKERNEL_FORCE_FUSE") == "1"

needs_fuse = pytest.mark.skipif(
    not FORCED and bool(missing()),
    reason=f"SIMKERNEL_FORCE_FUSE=1 forces it; {missing()}",
)
"""Skips a test where there is no fuse tier."""
