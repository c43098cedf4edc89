"""``resolver restore``."""

from __future__ import annotations

import click

from resolver.cli import options
from resolver.cli.changes import Change, changing
from resolver.cli.session import Session, pass_session

__all__ = ["command"]


@click.command("restore")
@options.devices(required=False)
@click.option("--all", "is_all", is_flag=True, help="Every device that is remembered.")
@changing
@options.common
@pass_session
def command(
    session: Session, devices: tuple[str, ...], is_all: bool, change: Change
) -> None:
    """Give DEVICE back to the driver and override it was found with."""
    from resolver.changes import restore

    if bool(devices) == is_all:
        raise click.UsageError("name devices, or say --all")
    batch = change.batch("restore", session, devices)
    if is_all:
        batch.find_remembered()
    session.exit_code = batch.run(
        lambda device, terms: restore.restore(batch.host, device, terms=terms),
        change.manner(session),
    )
