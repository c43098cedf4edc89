"""``simkernel verify``: simulated and real kernel compared."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from simkernel.cli.arguments import ScenarioName
from simkernel.cli.progress import ProgressLine

__all__ = ["verify"]


_EXAMPLES = """\b
Examples:
  simkernel verify --kernel 6.12
  simkernel verify --ops 200 --seed 7 --scenario habits_lab
"""


@click.command(epilog=_EXAMPLES)
@click.option(
    "--ops",
    "operations",
    default=2000,
    show_default=True,
    metavar="N",
    type=click.IntRange(min=0),
    help="Run N random operations in addition to the systematic ones.",
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    metavar="N",
    help="Seed of the random operations.",
)
@click.option(
    "--kernel",
    "release",
    metavar="RELEASE",
    help="Compare with this installed kernel, such as 6.1 [default: the newest].",
)
@click.option(
    "--scenario",
    "names",
    metavar="NAME",
    multiple=True,
    type=ScenarioName(),
    help="Verify only this scenario. May be repeated. [default: all that apply]",
)
@click.option(
    "--report",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the result to FILE, as JSON [default: no file].",
)
@click.option(
    "--record",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the real kernel's answers to the systematic programs to DIR [default: "
    "discard them].",
)
@click.option(
    "--update-rules",
    "rules",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Add the kernel's release to the verdicts in FILE, a table like docs/rules.md "
    "[default: no file].",
)
def verify(
    operations: int,
    seed: int,
    release: str | None,
    names: tuple[str, ...],
    report: Path | None,
    record: Path | None,
    rules: Path | None,
) -> None:
    """Compare the simulated kernel with a real kernel in QEMU.

    Both kernels get the same operations. The command prints each difference as the
    smallest program that shows it, with both answers. Exit code 0: no difference beyond
    those listed in docs/supported-kernel.md; 1: other differences.
    """
    from simkernel.conformance.verdicts import add_release
    from simkernel.fronts.vm.machine.installed_kernel import find_kernel
    from simkernel.fronts.vm.verify import VerifyOptions, verify_on

    options = VerifyOptions(
        operations=operations, seed=seed, names=names, record=record
    )
    with ProgressLine(sys.stderr) as line:
        result = verify_on(
            find_kernel(release), options, progress=line.show, note=line.note
        )
    if report is not None:
        report.write_text(json.dumps(result.to_json(), indent=2) + "\n", "utf-8")
    if rules is not None:
        table = rules.read_text("utf-8")
        rules.write_text(add_release(table, result.version, result.agreed), "utf-8")
    click.echo(result.to_text())
    sys.exit(1 if result.findings else 0)
