"""``resolver unpersist``."""

from __future__ import annotations

import click

from resolver.cli import options
from resolver.cli.session import Session, pass_session

__all__ = ["command"]


@click.command("unpersist")
@options.devices(required=False)
@click.option("--all", "is_all", is_flag=True, help="Every device that is persistent.")
@options.dry_run
@options.as_json
@options.common
@pass_session
def command(
    session: Session,
    devices: tuple[str, ...],
    is_all: bool,
    is_dry_run: bool,
    as_json: bool,
) -> None:
    """Leave DEVICE to the kernel at the next boot; now it stays as it is.

    It may be a device that is not there any more, by its address.
    """
    from resolver.cli.unpersisting import unpersist_devices
    from resolver.cli.words import with_stdin

    if bool(devices) == is_all:
        raise click.UsageError("name devices, or say --all")
    session.exit_code = unpersist_devices(
        session.host(),
        session.console,
        None if is_all else with_stdin(devices),
        is_dry_run=is_dry_run,
        as_json=as_json,
    )
