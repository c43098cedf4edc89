"""Selects the installed kernel for a scenario, and renders the scenario for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from simkernel.errors import UsageError
from simkernel.fronts.vm.machine.installed_kernel import (
    InstalledKernel,
    find_kernel,
    installed_releases,
)
from simkernel.scenario.render import find as find_template
from simkernel.scenario.render import load
from simkernel.scenario.schema import Scenario

__all__ = ["kernel_for", "load_for"]

_PARAMETER = "release"
"""Template parameter that selects the kernel release of the modules."""


def kernel_for(
    name: str, settings: dict[str, str], wanted: str | None
) -> InstalledKernel:
    """Return the installed kernel for a scenario.

    :param wanted: release or its beginning; None: the newest kernel of the
        scenario's series, or else the newest of all.
    :raises UsageError: no such kernel or scenario, or two releases were given.
    :raises ScenarioError: the scenario is invalid.
    """
    if wanted is not None:
        if _PARAMETER in settings:
            raise UsageError("--kernel excludes --set release=")
        return find_kernel(wanted)
    series = ".".join(load(name, settings).kernel.release.split(".")[:2])
    is_there = any(one.startswith(f"{series}.") for one in installed_releases())
    return find_kernel(series if is_there else None)


def load_for(name: str, settings: Mapping[str, str], release: str) -> Scenario:
    """Return a scenario for a kernel release.

    :raises UsageError: no such scenario or parameter.
    :raises ScenarioError: the scenario does not render or validate.
    """
    if _PARAMETER in find_template(name).parameters:
        settings = {**settings, _PARAMETER: release}
    scenario = load(name, dict(settings))
    return replace(scenario, kernel=replace(scenario.kernel, release=release))
