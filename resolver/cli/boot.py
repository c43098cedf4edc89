"""``resolver boot``."""

from __future__ import annotations

import click

from resolver.cli import options
from resolver.cli.changes import Change, changing
from resolver.cli.session import Session, pass_session

__all__ = ["command"]


@click.command("boot")
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
@changing
@options.common
@pass_session
def command(session: Session, keys: tuple[str, ...], change: Change) -> None:
    """Bind what bind --persist made persistent, as the host does when it boots.

    KEY is a bus and a device, such as pci-0000:3b:00.2.
    """
    from resolver.changes.provision import at_boot

    batch = change.batch("boot", session, ())
    found = batch.find_persistent(keys)
    host, aliases = batch.host, session.aliases(batch.host)
    session.exit_code = batch.run(
        lambda device, terms: at_boot(host, aliases, found[device.name], terms),
        change.manner(session),
    )
