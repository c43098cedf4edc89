"""Two runs of resolver on the same devices at the same time, as real processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from simkernel.scenario.build import build
from simkernel.scenario.render import load
from simkernel.testing.fuse_tier import FuseTier
from simkernel.testing.tier import Command
from tests.fuse import needs_fuse

pytestmark = [needs_fuse, pytest.mark.real]

VFS = 200
PROGRAM = """
import subprocess, sys
words = [sys.executable, "-m", "resolver"]
runs = [
    subprocess.Popen([*words, *command.split()], stdout=subprocess.PIPE, text=True)
    for command in sys.argv[1:]
]
print([(run.communicate()[0] and None, run.returncode)[1] for run in runs])
"""
