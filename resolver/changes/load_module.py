"""Load a driver's module, and find the driver in it.

A module stays loaded after a failed bind. Removing it would also unbind the devices
that another process has bound to it in the meantime.
"""

from __future__ import annotations

from resolver.changes.checks import refusal_of, require_permitted
from resolver.errors import FailedError, NotFoundError
from resolver.inspect.devices import find_driver
from resolver.inspect.module_loading import find_prohibition
from resolver.inspect.modules import drivers_of_module, is_coming, is_loaded
from resolver.linux import TIMEOUT_S, Host

__all__ = ["load_driver"]

_UNSIGNED = (
    "Operation not permitted",
    "Key was rejected by service",
    "Required key not available",
)
"""Messages of modprobe for a module with a missing or untrusted signature."""

_DRIVER_WAIT_S = 5.0
"""Seconds to wait for the driver of a loaded module."""


def load_driver(
    host: Host, bus: str, name: str, bound: str | None, timeout_s: float = TIMEOUT_S
) -> str:
    """Load a module and return the driver that it registers.

    If several processes need the module, one of them loads it. If another program,
    such as udev, loads it, wait for that.

    :param name: module or driver, a checked name.
    :param bound: current driver of the device; preferred if the module has several.
    :raises RefusedError: modprobe.d prohibits the module.
    :raises NotFoundError: there is no such module, or no driver of the bus in it.
    :raises FailedError: the module cannot be loaded, or its init has not ended in
        that time.
    :raises BlockedError: modprobe has not finished in that time.
    """
    module = name.replace("-", "_")
    prohibited = None
    if not is_loaded(host, module):
        prohibited = find_prohibition(host, module)
        require_permitted(module, prohibited)
    with host.locked((f"module-{module}",), timeout_s):
        _wait_for_init(host, module, timeout_s)
        driver = find_driver(host, bus, name, bound)
        if driver is not None:
            return driver
        exit_code, stderr = host.modprobe(module, timeout_s)
        if exit_code == 0:
            _wait_for_init(host, module, timeout_s)
            _wait_for_driver(host, bus, module, timeout_s)
    if exit_code == 0:
        driver = find_driver(host, bus, name, bound)
        if driver is not None:
            return driver
    if prohibited is not None:
        raise refusal_of(module, prohibited)
    if exit_code != 0:
        raise _failure(host, module, stderr)
    raise FailedError(
        f"modprobe reported success, but module {module} is not loaded",
        hint=f"run `modprobe --showconfig | grep {module}`",
    )


def _wait_for_init(host: Host, module: str, timeout_s: float) -> None:
    if not is_coming(host, module):
        return
    if not host.wait(lambda: not is_coming(host, module), timeout_s):
        raise FailedError(
            f"the init of module {module} has not ended for {timeout_s:g} s",
            hint="run `dmesg | tail` to read the kernel log",
        )


# A module may register its driver after its init, from a work queue.
def _wait_for_driver(host: Host, bus: str, module: str, timeout_s: float) -> None:
    def is_over() -> bool:
        drivers = drivers_of_module(host, module, bus)
        return bool(drivers) or not is_loaded(host, module)

    if not is_over():
        host.wait(is_over, min(timeout_s, _DRIVER_WAIT_S))


def _failure(host: Host, module: str, stderr: str) -> Exception:
    reason = stderr.splitlines()[-1] if stderr else "modprobe gave no reason"
    if "not found in directory" in stderr:
        return NotFoundError(
            f"no driver or module {module}: {reason}",
            hint="pass --driver NAME to bind to another driver",
        )
    hint = "run `dmesg | tail` to read the kernel log"
    if any(text in stderr for text in _UNSIGNED):
        hint = _about_signatures(host)
    return FailedError(f"cannot load module {module}: {reason}", hint=hint)


# Source: Linux, kernel/module/signing.c, module_sig_check().
def _about_signatures(host: Host) -> str:
    lockdown = host.attribute(f"{host.sys}/kernel/security/lockdown") or ""
    if "[integrity]" in lockdown or "[confidentiality]" in lockdown:
        return (
            "sign the module with a key that the kernel trusts, or turn off secure "
            f"boot; the kernel is locked down: {lockdown}"
        )
    return "run as root; if the kernel enforces signatures, sign the module"
