"""``resolver explain``."""

from __future__ import annotations

import click

from resolver.cli import options
from resolver.cli.session import Session, pass_session

__all__ = ["command"]


@click.command("explain")
@options.devices(required=True)
@options.as_json
@options.kernel
@options.common
@pass_session
def command(session: Session, devices: tuple[str, ...], as_json: bool) -> None:
    """Show which driver DEVICE would get, and why; it may be a modalias."""
    from resolver.cli.explaining import explain_devices

    host = session.host()
    aliases = session.aliases(host)
    session.exit_code = explain_devices(
        host, aliases, session.console, devices, as_json=as_json
    )
