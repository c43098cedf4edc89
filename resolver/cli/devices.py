"""``resolver devices``."""

from __future__ import annotations

import click

from resolver.cli import options
from resolver.cli.session import Session, pass_session

__all__ = ["command"]


@click.command("devices")
@click.option("--class", "kind", metavar="CLASS", help="Only net, storage, 0x0200...")
@options.as_json
@options.kernel
@options.common
@pass_session
def command(session: Session, kind: str | None, as_json: bool) -> None:
    """Show every PCI device, its driver and its best VFIO driver."""
    from resolver.cli.listing import list_devices

    host = session.host()
    list_devices(host, session.aliases(host), session.console, kind, as_json=as_json)
