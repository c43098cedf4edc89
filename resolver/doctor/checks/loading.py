"""Check that the modules that devices need may be loaded.

Pure: facts in, findings out.
"""

from __future__ import annotations

from collections.abc import Iterator

from resolver.doctor.facts import Facts
from resolver.doctor.finding import Finding
from resolver.inspect.module_policy import COMMAND_LINE, Prohibition

__all__ = ["check"]


def check(facts: Facts) -> Iterator[Finding]:
    """Yield each module that the configuration keeps from being loaded."""
    for name, module in sorted(facts.modules.items()):
        found = module.prohibition
        if found is None:
            continue
        users = tuple(one.device.name for one in facts.wanted if one.module == name)
        if found.is_certain:
            message = f"loading module {name} is prohibited by {found.where}"
        else:
            message = f"to load module {name}, modprobe runs a program: {found.where}"
        yield Finding(
            id="module-prohibited",
            severity="problem" if found.is_certain else "warning",
            message=f"{message}: {found.text}",
            advice=(
                _how_to_allow(found),
                "or bind to another driver: `resolver bind --driver NAME DEVICE`",
            ),
            devices=users,
        )


def _how_to_allow(found: Prohibition) -> str:
    if found.where == COMMAND_LINE:
        return f"remove {found.module} from the kernel command line, and reboot"
    if found.keyword == "modprobe":
        return f"run `modprobe --showconfig | grep {found.module}`"
    return f"remove {found.where}, if you no longer want it"
