"""Fixtures with the installed kernels."""

from __future__ import annotations

import os
import re

import pytest

from simkernel.errors import UsageError
from simkernel.fronts.vm.machine.installed_kernel import (
    InstalledKernel,
    find_kernel,
    installed_releases,
)
from simkernel.fronts.vm.machine.requirements import find_tools


def _series() -> list[str]:
    """Return the newest release of each series of kernels that is installed."""
    newest = {
        ".".join(re.findall(r"\d+", one)[:2]): one for one in installed_releases()
    }
    return list(newest.values()) or ["none"]


def _kernel(release: str | None) -> InstalledKernel:
    try:
        find_tools()
        kernel = find_kernel(release)
        kernel.archive()
    except UsageError as error:
        if os.environ.get("SIMKERNEL_FORCE_VM") == "1":
            raise
        pytest.skip(f"{error} (SIMKERNEL_FORCE_VM=1 makes this a failure)")
    return kernel


@pytest.fixture(scope="session")
def kernel() -> InstalledKernel:
    """Return the newest kernel for which modules can be built."""
    return _kernel(None)


@pytest.fixture(scope="session", params=_series())
def each_kernel(request: pytest.FixtureRequest) -> InstalledKernel:
    """Return one kernel of each series that is installed."""
    return _kernel(None if request.param == "none" else request.param)
