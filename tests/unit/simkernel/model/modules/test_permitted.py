"""Modules that the kernel forbids: lockdown and ``module_blacklist=``."""

from __future__ import annotations

from errno import EPERM

import pytest

from simkernel.errors import KernelRefusal
from simkernel.host.boot import boot_host
from simkernel.model.kernel import Kernel
from simkernel.scenario.render import parse

TEXT = """
kernel: {{release: 6.12.0, lockdown: "{lockdown}", cmdline: "quiet {cmdline}"}}
modules:
  - {{name: own, path: kernel/own.ko}}
  - {{name: foreign, path: updates/foreign.ko}}
"""


def kernel(lockdown: str = "", cmdline: str = "") -> Kernel:
    return boot_host(parse(TEXT.format(lockdown=lockdown, cmdline=cmdline))).kernel


def refusal(of: Kernel, module: str) -> tuple[int | None, str]:
    with pytest.raises(KernelRefusal) as caught:
        of.modules.load(module)
    return caught.value.errno, caught.value.rule


def test_unsigned_modules_are_refused_under_lockdown() -> None:
    """R-MOD-12: a locked-down kernel loads only its own, signed modules."""
    locked = kernel(lockdown="integrity")
    locked.modules.load("own")
    assert refusal(locked, "foreign") == (EPERM, "R-MOD-12")
    assert list(locked.modules.loaded) == ["own"]


def test_the_command_line_keeps_modules_out() -> None:
    """R-MOD-13: names are compared as they are, separated by commas."""
    forbidding = kernel(cmdline="module_blacklist=x,own,y")
    assert refusal(forbidding, "own") == (EPERM, "R-MOD-13")
    forbidding.modules.load("foreign")
