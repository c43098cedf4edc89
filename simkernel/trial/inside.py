"""Query the kernel about a driver's devices.

Runs on the host of the trial, as root.

``python -m simkernel.trial.inside JSON`` takes ``modules`` and ``devices``. Each device
has an ``address``, a ``modalias``, the ``drivers`` of its module, and ``spellings`` to
try. The output is a JSON object by address: the ``driver`` found, whether the device
was open to ``vfio``, and the result of :func:`_query`. Afterwards the modules are
loaded, and the devices have no driver. Requires only the standard library and modprobe.
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from typing import Any

_BUS = "/sys/bus/pci"


def main(text: str) -> None:
    """Query all devices and print the answers."""
    request = json.loads(text)
    modules, devices = request["modules"], request["devices"]
    found = {one["address"]: _found(one["address"]) for one in devices}
    for name in modules:
        _run(["modprobe", name])
    answers = {
        one["address"]: {**found[one["address"]], **_query(one, set(modules))}
        for one in devices
    }
    print(json.dumps(answers))


def _found(address: str) -> dict[str, Any]:
    """Return a device's driver, and whether VFIO can open it."""
    group = _link_name(f"{_BUS}/devices/{address}/iommu_group")
    is_open = bool(group) and os.path.exists(f"/dev/vfio/{group}")
    return {"driver": _driver(address), "vfio": is_open}


def _query(device: dict[str, Any], modules: set[str]) -> dict[str, Any]:
    """Return the driver without override and for each spelling.

    :param modules: the tested modules, loaded if the kernel accepts them.
    """
    address = device["address"]
    answer: dict[str, Any] = {}
    _release(address)
    _write(f"{_BUS}/devices/{address}/driver_override", "\n")
    answer["loads"] = bool(modules & set(_modules_for(device["modalias"])))
    answer["binds"] = False
    for driver in device["drivers"]:
        _write(f"{_BUS}/drivers/{driver}/bind", address)
        answer["binds"] = answer["binds"] or _driver(address) == driver
        _release(address)
    answer["spellings"] = {one: _try(address, one) for one in device["spellings"]}
    _write(f"{_BUS}/devices/{address}/driver_override", "\n")
    return answer


def _try(address: str, name: str) -> dict[str, str]:
    """Return driver and errno of a probe with an override."""
    error = _write(f"{_BUS}/devices/{address}/driver_override", name)
    error = error or _write(f"{_BUS}/drivers_probe", address)
    driver = _driver(address)
    _release(address)
    return {"driver": driver, "error": error}


def _driver(address: str) -> str:
    """Return the name of a device's driver; empty: none."""
    return _link_name(f"{_BUS}/devices/{address}/driver")


def _link_name(path: str) -> str:
    """Return the base name of a link's target; empty: no link."""
    try:
        return os.path.basename(os.readlink(path))
    except OSError:
        return ""


def _release(address: str) -> None:
    if _driver(address):
        _write(f"{_BUS}/devices/{address}/driver/unbind", address)


def _write(path: str, text: str) -> str:
    """Write to a file; return the errno's name, empty: success."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(file, text.encode())
        finally:
            os.close(file)
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error.errno))
    return ""


def _modules_for(modalias: str) -> list[str]:
    """Return the modules that udev loads for a modalias."""
    names = _run(["modprobe", "-R", modalias]).split()
    return [one.replace("-", "_") for one in names]


def _run(words: list[str]) -> str:
    """Run a program and return its stdout; ignore its exit code."""
    done = subprocess.run(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
        text=True,
    )
    return done.stdout


if __name__ == "__main__":
    main(sys.argv[1])
