"""Bind the devices of a trial, and query the kernel."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from simkernel.errors import SimkernelError
from simkernel.trial.driver_module import DriverModule
from simkernel.trial.host_modules import Target
from simkernel.trial.hosts import Run
from simkernel.trial.result import Row, Spelling
from simkernel.trial.template import Trial

__all__ = ["TrialError", "bind_devices", "spellings"]

_RESOLVER = (sys.executable, "-m", "resolver")
_INSIDE = (sys.executable, "-m", "simkernel.trial.inside")


class TrialError(SimkernelError):
    """A program of the trial printed no result."""


def bind_devices(trial: Trial, run: Run) -> list[Row]:
    """Return a row for each alias, undecodable ones last.

    :raises TrialError: ``resolver`` or ``simkernel.trial.inside`` printed no result.
    """
    rows = _devices(trial.targets, run) if trial.targets else []
    return rows + [
        Row(
            device="",
            id="",
            alias=alias,
            found_by="",
            wanted_drivers=module.drivers,
            module="",
            driver="",
            is_vfio=False,
            loads_by_itself=False,
            binds_by_itself=False,
            error="cannot derive a device from this alias",
            spellings=(),
        )
        for module, alias in trial.undecodable
    ]


def _devices(targets: Sequence[Target], run: Run) -> list[Row]:
    addresses = [one.address for one in targets]
    bound = _document(run, [*_RESOLVER, "bind", "--json", *addresses])
    results = {one["device"]: one for one in bound["devices"]}
    request = {
        "modules": sorted({one.module.name for one in targets}),
        "devices": [
            {
                "address": one.address,
                "modalias": one.ids.modalias(),
                "drivers": one.module.drivers,
                "spellings": spellings(one.module),
            }
            for one in targets
        ],
    }
    answers = _document(run, [*_INSIDE, json.dumps(request)])
    nothing = {
        "error": bound.get("error") or "resolver reports nothing about the device"
    }
    return [
        _row(one, results.get(one.address, nothing), answers[one.address])
        for one in targets
    ]


def _row(target: Target, result: dict[str, Any], answer: dict[str, Any]) -> Row:
    return Row(
        device=target.address,
        id=f"{target.ids.vendor:04x}:{target.ids.device:04x}",
        alias=target.alias,
        found_by=result.get("alias") or "",
        wanted_drivers=target.module.drivers,
        module=result.get("module") or "",
        driver=answer["driver"],
        is_vfio=answer["vfio"],
        loads_by_itself=answer["loads"],
        binds_by_itself=answer["binds"],
        error=result.get("error") or "",
        spellings=tuple(
            Spelling(name, found["driver"], found["error"])
            for name, found in answer["spellings"].items()
        ),
    )


def spellings(module: DriverModule) -> list[str]:
    """Return the names that tools write to ``driver_override``.

    Tools use the name of the driver or of the module, as it is or with ``-`` and ``_``
    exchanged.
    """
    names = [*module.drivers, module.name, module.file_name.removesuffix(".ko")]
    ways = [[one, one.replace("-", "_"), one.replace("_", "-")] for one in names]
    return list(dict.fromkeys(name for way in ways for name in way))


def _document(run: Run, argv: Sequence[str]) -> dict[str, Any]:
    """Run a program and return the JSON document on its stdout.

    :raises TrialError: stdout is no JSON document.
    """
    done = run(argv)
    try:
        document: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        output = (done.stderr or done.stdout).strip()
        raise TrialError(f"{' '.join(argv[1:4])} failed: {output}") from None
    return document
