"""Which installed kernel a scenario runs on, and the scenario as it is for that one."""

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
"""Parameter by which a template renders the modules of another kernel."""


def kernel_for(
    name: str, settings: dict[str, str], wanted: str | None
) -> InstalledKernel:
    """Return the installed kernel for a scenario.

    :param wanted: release that the user asked for, or its beginning; None: one of the
        series that the scenario names, or if there is none, the newest.
    :raises UsageError: there is no such kernel or scenario, or the user asked for two.
    :raises ScenarioError: the scenario is wrong.
    """
    if wanted is not None:
        if _PARAMETER in settings:
            raise UsageError("--kernel and --set release= say the same; give one")
        return find_kernel(wanted)
    series = ".".join(load(name, settings).kernel.release.split(".")[:2])
    is_there = any(one.startswith(f"{series}.") for one in installed_releases())
    return find_kernel(series if is_there else None)


def load_for(name: str, settings: Mapping[str, str], release: str) -> Scenario:
    """Return a scenario as it is on a kernel of some release.

    :raises UsageError: there is no such scenario, or it has no such parameter.
    :raises ScenarioError: it does not render or validate.
    """
    if _PARAMETER in find_template(name).parameters:
        settings = {**settings, _PARAMETER: release}
    scenario = load(name, dict(settings))
    return replace(scenario, kernel=replace(scenario.kernel, release=release))
