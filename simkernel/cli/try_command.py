"""``simkernel try``: does a VFIO driver's module get the devices that it is for?"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

__all__ = ["try_"]

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command("try")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_FILE)
@click.option(
    "--via",
    type=click.Choice(["fakefs", "fuse", "vm"]),
    default="fakefs",
    show_default=True,
    help="Which kernel it is tried on; on vm, the file itself is loaded.",
)
@click.option(
    "--kernel",
    "release",
    metavar="RELEASE",
    help="A kernel, such as 6.12; without it, the one that the module was built for.",
)
@click.option(
    "--modules-dir",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Take the kernel's other modules from there, not from /lib/modules.",
)
@click.option(
    "--driver",
    "drivers",
    metavar="[MODULE=]NAME",
    multiple=True,
    help="The name of the driver, where the file does not show it.",
)
@click.option(
    "--physical",
    is_flag=True,
    help="Make physical functions; without this, virtual ones.",
)
@click.option(
    "--save",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep the scenario.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
def try_(
    files: tuple[Path, ...],
    via: str,
    release: str | None,
    folder: Path | None,
    drivers: tuple[str, ...],
    physical: bool,
    save: Path | None,
    as_json: bool,
) -> None:
    """Try a VFIO driver's module on a host that is made for it.

    The host has a device for each alias of the module, a driver for it, and the
    kernel's other modules; resolver binds the devices there. Exit code 0: each got the
    module's driver; 1: one did not.
    """
    from simkernel.cli.progress import ProgressLine
    from simkernel.trial.run import TrialOptions, run_trial

    if folder is not None and via == "vm":
        raise click.UsageError("--modules-dir is not for --via vm: it has its kernel's")
    wish = TrialOptions(
        files=files,
        via=via,
        release=release,
        folder=folder,
        drivers=drivers,
        physical=physical,
        save=save,
    )
    with ProgressLine(sys.stderr) as line:
        result = run_trial(wish, progress=line.show, note=line.note)
    click.echo(json.dumps(result.to_json(), indent=2) if as_json else result.to_text())
    sys.exit(0 if result.is_well else 1)
