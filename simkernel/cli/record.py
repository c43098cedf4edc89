"""``simkernel record``: this host as a scenario."""

from __future__ import annotations

import sys

import click

__all__ = ["record"]


@click.command()
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Write the scenario there; without it, to standard output.",
)
@click.option(
    "--root",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    help="Record the host whose files are copied there, not this one.",
)
def record(output: str | None, root: str | None) -> None:
    """Record this host as a scenario, so that a problem becomes a test.

    It has what resolver's answers depend on: PCI devices, their drivers and IOMMU
    groups, modules, their aliases and configuration. Nothing on the host is changed.
    Serial numbers, MAC addresses and the host's name are left out;
    docs/developers.md says what differs.
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
