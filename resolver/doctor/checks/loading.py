"""Check that the modules that devices need may be loaded.

Pure: facts in, findings out.
"""

from __future__ import annotations

from collections.abc import Iterator

from resolver.doctor.facts import Facts
from resolver.doctor.finding import Finding

__all__ = ["check"]


def check(facts: Facts) -> Iterator[Finding]:
    """Yield each module that the configuration keeps from being loaded."""
    for name, module in sorted(facts.modules.items()):
        found = module.prohibition
        if found is None:
            continue
        users = tuple(one.device.name for one in facts.wanted if one.module == name)
        if found.is_certain:
            message = f"module {name} is blacklisted by {found.where}"
        else:
            message = f"{found.where} runs a command instead of loading module {name}"
        yield Finding(
            id="module-prohibited",
            severity="problem" if found.is_certain else "warning",
            message=f"{message}: {found.text}",
            advice=(
                _how_to_allow(name, found.where),
                "or bind to another driver: `resolver bind --driver NAME DEVICE`",
            ),
            devices=users,
        )


def _how_to_allow(name: str, where: str) -> str:
    if where == "the kernel command line":
        return f"remove {name} from the list on the kernel command line, and reboot"
    return f"remove {where}, if you no longer want it"
