"""``resolver unbind``."""

from __future__ import annotations

import click

from resolver.cli import options
from resolver.cli.changes import Change, changing
from resolver.cli.session import Session, pass_session

__all__ = ["command"]


@click.command("unbind")
@options.devices(required=True)
@changing
@options.common
@pass_session
def command(session: Session, devices: tuple[str, ...], change: Change) -> None:
    """Take DEVICE from its driver and leave it without one."""
    from resolver.changes import bind

    batch = change.batch("unbind", session, devices)
    session.exit_code = batch.run(
        lambda device, terms: bind.unbind(batch.host, device, terms=terms),
        change.manner(session),
    )
