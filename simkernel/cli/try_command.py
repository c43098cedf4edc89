"""``simkernel try``: test a VFIO driver module."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

__all__ = ["try_"]

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


_EXAMPLES = """\b
Examples:
  simkernel try my-vfio-pci.ko
  simkernel try --driver my-vfio --save my.yaml.j2 my-vfio-pci.ko
  simkernel try --via vm --kernel 6.12 my-vfio-pci.ko
"""


@click.command("try", epilog=_EXAMPLES)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_FILE)
@click.option(
    "--via",
    type=click.Choice(["fakefs", "fuse", "vm"]),
    default="fakefs",
    show_default=True,
    help="Run on this tier. fakefs, fuse: a simulated kernel; vm: a real kernel in "
    "QEMU, which loads FILE itself.",
)
@click.option(
    "--kernel",
    "release",
    metavar="RELEASE",
    help="Use this kernel release, such as 6.12 [default: the release that FILE was "
    "built for].",
)
@click.option(
    "--modules-dir",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Read the aliases of the kernel's own modules from DIR [default: "
    "/lib/modules/RELEASE].",
)
@click.option(
    "--driver",
    "drivers",
    metavar="[MODULE=]NAME",
    multiple=True,
    help="Name of the module's driver; MODULE is required with several FILEs. May be "
    "repeated. [default: read from FILE]",
)
@click.option(
    "--physical",
    is_flag=True,
    help="Generate physical functions [default: virtual functions].",
)
@click.option(
    "--save",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the generated scenario to FILE [default: discard it].",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print the result as JSON [default: tables].",
)
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
    """Test a VFIO driver module on a generated host.

    The host has a device for each alias of the module, a host driver, and the kernel's
    own modules. resolver binds the devices. Exit code 0: the module's driver has every
    device; 1: a device has another driver or none.
    """
    from simkernel.cli.progress import ProgressLine
    from simkernel.trial.run import TrialOptions, run_trial

    if folder is not None and via == "vm":
        raise click.UsageError(
            "--modules-dir does not apply to --via vm: the guest has its own modules"
        )
    options = TrialOptions(
        files=files,
        via=via,
        release=release,
        folder=folder,
        drivers=drivers,
        physical=physical,
        save=save,
    )
    with ProgressLine(sys.stderr) as line:
        result = run_trial(options, progress=line.show, note=line.note)
    click.echo(json.dumps(result.to_json(), indent=2) if as_json else result.to_text())
    sys.exit(0 if result.passed else 1)
