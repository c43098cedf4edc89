"""``simkernel record``: write this host as a scenario."""

from __future__ import annotations

import sys

import click

__all__ = ["record"]


_EXAMPLES = """\b
Examples:
  simkernel record --output myhost.yaml.j2
  simkernel run ./myhost.yaml.j2 -- resolver devices
"""


@click.command(epilog=_EXAMPLES)
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Write the scenario to FILE [default: standard output].",
)
@click.option(
    "--root",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    help="Record the host whose files are copied to DIR [default: this host].",
)
def record(output: str | None, root: str | None) -> None:
    """Write this host as a scenario, to reproduce a problem.

    The scenario holds what resolver reads: PCI devices, drivers, IOMMU groups, module
    aliases and the modprobe configuration. It omits serial numbers, MAC addresses and
    the host name. Differences between host and scenario are printed to stderr. The
    command changes nothing on the host.
    """
    from simkernel.errors import UsageError
    from simkernel.recording.capture import record as record_host

    recording = record_host(root or "")
    for line in recording.notes:
        click.echo(f"simkernel: {line}", err=True)
    if output is None:
        click.echo(recording.text(), nl=False)
        sys.exit(0)
    try:
        with open(output, "w", encoding="utf-8") as file:
            file.write(recording.text())
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}") from None
