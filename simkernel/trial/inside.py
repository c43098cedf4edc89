"""Asks the kernel of a host about a driver's devices; runs there, as root.

``python -m simkernel.trial.inside JSON`` takes ``modules`` and ``devices``: of each
its ``address``, ``modalias``, the ``drivers`` it is for and ``spellings`` to try. It
prints a JSON object: of each address what :func:`_ask` returns. Afterwards the
devices have no driver. It needs the standard library and modprobe.
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
    """Ask about all devices and print the answers."""
    request = json.loads(text)
    modules = set(request["modules"])
    answers = {one["address"]: _ask(one, modules) for one in request["devices"]}
    print(json.dumps(answers))


def _ask(device: dict[str, Any], modules: set[str]) -> dict[str, Any]:
    """Return which driver a device has, who takes it by itself, and what names do."""
    address = device["address"]
    answer: dict[str, Any] = {"driver": _driver(address)}
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
    """Return the driver that a device without one gets by an override."""
    error = _write(f"{_BUS}/devices/{address}/driver_override", name)
    error = error or _write(f"{_BUS}/drivers_probe", address)
    driver = _driver(address)
    _release(address)
    return {"driver": driver, "error": error}


def _driver(address: str) -> str:
    """Return the name of a device's driver; empty: it has none."""
    try:
        return os.path.basename(os.readlink(f"{_BUS}/devices/{address}/driver"))
    except OSError:
        return ""


def _release(address: str) -> None:
    if _driver(address):
        _write(f"{_BUS}/devices/{address}/driver/unbind", address)


def _write(path: str, text: str) -> str:
    """Write to a file that is there; return the errno's name, empty: it was taken."""
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
    """Return the modules that udev would load for a device."""
    done = subprocess.run(
        ["modprobe", "-R", modalias],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
        text=True,
    )
    return [one.replace("-", "_") for one in done.stdout.split()]


if __name__ == "__main__":
    main(sys.argv[1])
