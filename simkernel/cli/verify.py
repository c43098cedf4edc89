"""``simkernel verify``: the simulated kernel against a real one."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from simkernel.cli.arguments import ScenarioName
from simkernel.cli.progress import ProgressLine

__all__ = ["verify"]


@click.command()
@click.option(
    "--ops",
    "operations",
    default=2000,
    show_default=True,
    metavar="N",
    type=click.IntRange(min=0),
    help="Random operations, beside the systematic ones.",
)
@click.option(
    "--seed", default=0, show_default=True, help="What the random ones begin with."
)
@click.option(
    "--kernel",
    "release",
    metavar="RELEASE",
    help="An installed kernel, such as 6.1; without it, the newest.",
)
@click.option(
    "--scenario",
    "names",
    metavar="NAME",
    multiple=True,
    type=ScenarioName(),
    help="Only this scenario; may be repeated.",
)
@click.option(
    "--report",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the result as a JSON document.",
)
@click.option(
    "--record",
    metavar="DIRECTORY",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep what the real kernel answers to the systematic programs.",
)
@click.option(
    "--update-rules",
    "rules",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Add the kernel's release to the verdicts of this table (docs/rules.md).",
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
    """Compare the simulated kernel with a real one, operation by operation.

    The real one runs in QEMU. A difference is shown as a program that is as small as
    possible, with both answers. Exit code 0: there is none that is not listed in
    docs/supported-kernel.md; 1: there are some.
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
