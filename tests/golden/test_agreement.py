"""``explain``, the dry run and ``bind`` agree, whatever state the host is in."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simkernel.scenario.render import installed, load
from simkernel.scenario.schema import Scenario
from tests.simulated import Session, session

SCENARIOS = tuple(
    name
    for name in installed()
    if (scenario := load(name)).expected is not None
    and not (scenario.faults or scenario.owned_groups)
)
"""Where a guest has a group open, a plain unbind waits for it without end."""
CONFIGURATION = (
    "blacklist {module}",
    "install {module} /bin/false",
    "install {module} /usr/bin/logger {module}",
    "options vfio enable_unsafe_noiommu_mode=1",
    "options vfio-pci disable_denylist=1",
    "# nothing",
)
EXAMPLES = min(settings.default.max_examples // 2, 40)
"""Each one boots a host; the profile ``soak`` is for other tests."""
MODULES = ("vfio_pci", "mlx5_vfio_pci", "qat_vfio_pci", "vfio")
UNKNOWN = "(the driver of "

changes = st.lists(
    st.one_of(
        st.tuples(st.just("configure"), st.sampled_from(CONFIGURATION)),
        st.tuples(st.just("load"), st.sampled_from(MODULES)),
        st.tuples(st.just("unbind"), st.none()),
        st.tuples(
            st.just("override"), st.sampled_from(["vfio-pci", "none-such", "\n"])
        ),
        st.tuples(st.just("probe"), st.none()),
        st.tuples(st.just("bind"), st.sampled_from([(), ("--driver", "vfio-pci")])),
    ),
    max_size=4,
)


def change(host: Session, device: str, kind: str, argument: Any) -> None:
    """Change the host as an administrator or another tool would."""
    path = f"/sys/bus/pci/devices/{device}"
    with suppress(OSError):
        if kind == "configure":
            for number, module in enumerate(MODULES):
                with open(f"/etc/modprobe.d/{number}.conf", "a") as file:
                    file.write(argument.format(module=module) + "\n")
        elif kind == "load":
            host.kmod("modprobe", argument)
        elif kind == "unbind":
            write(f"{path}/driver/unbind", device)
        elif kind == "override":
            write(f"{path}/driver_override", argument)
        elif kind == "probe":
            write("/sys/bus/pci/drivers_probe", device)
        else:
            host.run("resolver", "bind", *argument, device)


def write(path: str, text: str) -> None:
    """Write to a file of sysfs as a shell does, without creating it."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def result(host: Session, *words: str) -> dict[str, Any]:
    """Run a command on one device and return its object."""
    done = host.run("resolver", *words, "--json")
    (found,) = json.loads(done.stdout)["devices"]
    return dict(found)


def steps(found: dict[str, Any], driver: str | None) -> list[dict[str, str]]:
    """Return the steps, with the driver that a dry run may not know yet."""
    return [
        {key: _named(text, driver) for key, text in step.items()}
        for step in found["steps"]
    ]


def _named(text: str, driver: str | None) -> str:
    start = text.find(UNKNOWN)
    if start < 0 or driver is None:
        return text
    end = text.index(")", start) + 1
    return text[:start] + driver + text[end:]


def agree(scenario: Scenario, states: list[tuple[str, Any]], words: list[str]) -> str:
    """Compare the three commands in one state; return what ``bind`` came to."""
    assert scenario.expected is not None
    device = scenario.expected.device
    with session(scenario) as host:
        for kind, argument in states:
            change(host, device, kind, argument)
        before = host.tree()
        explained = result(host, "explain", device)
        planned = result(host, "bind", "--dry-run", *words, device)
        assert before == host.tree()
        done = result(host, "bind", *words, device)
    if not words and explained["error"] is None and explained["exit_code"] == 0:
        assert explained["rule"] == planned["rule"]
    if planned["error"] is not None:
        assert (done["error"], done["rule"]) == (planned["error"], planned["rule"])
        return done["rule"] or "error"
    if done["error"] is not None:
        # What a program on an install line does, nobody can know before.
        runs_program = any("install" in note for note in planned["notes"])
        assert done["rule"] in (None, "module-prohibited" if runs_program else None)
        return "failed"
    assert steps(planned, done["driver"]) == done["steps"]
    assert planned["changed"] == done["changed"]
    return "bound" if done["changed"] else "already"


@given(
    scenario=st.sampled_from(SCENARIOS),
    states=changes,
    words=st.sampled_from([[], ["--force"], ["--driver", "vfio-pci"]]),
)
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=EXAMPLES)
def test_explain_dry_run_and_bind_agree(
    scenario: str, states: list[tuple[str, Any]], words: list[str]
) -> None:
    """They refuse by the same rule, or the writes are those that were announced."""
    agree(load(scenario), states, words)
