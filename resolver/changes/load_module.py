"""Have a driver's module loaded, and find the driver in it.

A module that was loaded for a bind that failed stays loaded, on purpose: removing
one succeeds although devices are bound to it and silently takes them away, so that
it could hurt another process which came in between.
"""

from __future__ import annotations

from resolver.errors import FailedError, NotFoundError, RefusedError
from resolver.inspect.devices import find_driver
from resolver.inspect.module_policy import Prohibition
from resolver.inspect.modules import find_prohibition, is_loaded
from resolver.linux import TIMEOUT_S, Host

__all__ = ["load_driver", "require_permitted"]

_UNSIGNED = (
    "Operation not permitted",
    "Key was rejected by service",
    "Required key not available",
)
"""What modprobe says when the kernel does not like the signature of a module."""


def load_driver(
    host: Host, bus: str, name: str, bound: str | None, timeout_s: float = TIMEOUT_S
) -> str:
    """Load a module and return the driver that it registers.

    Of several runs that need the module, one loads it.

    :param name: module or driver, a checked name.
    :param bound: driver that the device is bound to; it decides between several.
    :raises RefusedError: the administrator does not want the module loaded.
    :raises NotFoundError: there is no such module, or no driver of the bus in it.
    :raises FailedError: the module cannot be loaded.
    :raises BlockedError: loading it has not ended in that time.
    """
    module = name.replace("-", "_")
    require_permitted(host, module)
    with host.locked((f"module-{module}",), timeout_s):
        driver = find_driver(host, bus, name, bound)
        if driver is not None:
            return driver
        exit_code, said = host.modprobe(module, timeout_s)
    if exit_code != 0:
        raise _failure(host, module, said)
    driver = find_driver(host, bus, name, bound)
    if driver is not None:
        return driver
    prohibited = find_prohibition(host, module)
    if prohibited is not None:
        raise _refusal(module, prohibited)
    raise FailedError(
        f"modprobe reported success, but module {module} is not loaded",
        hint=f"modprobe --showconfig | grep {module} shows what it does instead",
    )


def require_permitted(host: Host, module: str) -> None:
    """Refuse to load a module that the administrator keeps out.

    One that is in the kernel already is not loaded, and nothing is refused.

    :raises RefusedError: a blacklist or an install line keeps it out.
    """
    if is_loaded(host, module):
        return
    prohibited = find_prohibition(host, module)
    if prohibited is not None and prohibited.is_certain:
        raise _refusal(module, prohibited)


def _refusal(module: str, prohibited: Prohibition) -> RefusedError:
    hint = f"remove that line, or load it yourself with modprobe {module}"
    if prohibited.keyword == "install":
        hint = f"remove that line, or load it with modprobe -i {module}"
    if module != "vfio_pci":
        hint += "; --driver vfio-pci binds to the generic driver instead"
    return RefusedError(
        f"loading module {module} is prohibited by {prohibited.where}: "
        f"{prohibited.text}",
        rule="module-prohibited",
        hint=hint,
    )


def _failure(host: Host, module: str, said: str) -> Exception:
    prohibited = find_prohibition(host, module)
    if prohibited is not None:
        return _refusal(module, prohibited)
    reason = said.splitlines()[-1] if said else "it did not say why"
    if "not found in directory" in said:
        return NotFoundError(
            f"there is no driver and no module {module}: {reason}",
            hint="this kernel may not ship it; --driver NAME names another one",
        )
    hint = "the kernel log has the reason: dmesg | tail"
    if any(text in said for text in _UNSIGNED):
        hint = _about_signatures(host)
    return FailedError(f"cannot load module {module}: {reason}", hint=hint)


# Source: Linux, kernel/module/signing.c, module_sig_check().
def _about_signatures(host: Host) -> str:
    lockdown = host.attribute(f"{host.sys}/kernel/security/lockdown") or ""
    if "[integrity]" in lockdown or "[confidentiality]" in lockdown:
        return (
            f"the kernel is locked down ({lockdown}) and takes only modules signed "
            "with a key it knows: sign this one, or turn off secure boot"
        )
    return "run as root; a kernel that enforces signatures refuses unsigned modules"
