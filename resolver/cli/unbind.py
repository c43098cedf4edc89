"""``resolver unbind``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from resolver.cli import options as shared
from resolver.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from resolver.options import Options

__all__ = ["command"]

_EXAMPLES = """\b
Examples:
  resolver unbind 0000:3b:00.2
"""


@click.command("unbind", epilog=_EXAMPLES)
@shared.devices(required=True)
@shared.changing("Unbind")
@shared.common
@pass_invocation
def command(
    call: Invocation, devices: tuple[str, ...], options: Options, as_json: bool
) -> None:
    """Unbind DEVICE, and leave it without a driver.

    The previous driver is recorded; undo with `resolver restore`.
    """
    from resolver.cli import many

    session = many.session_for(call, options)
    targets = session.targets(many.with_stdin(devices))
    many.change_devices(call, session, "unbind", targets, options, as_json=as_json)
