"""``resolver status``."""

from __future__ import annotations

import click

from resolver.cli import options as shared
from resolver.cli.invocation import Invocation, pass_invocation

__all__ = ["command"]

_EXAMPLES = """\b
Examples:
  resolver status
  resolver status --json
"""


@click.command("status", epilog=_EXAMPLES)
@shared.as_json
@shared.common
@pass_invocation
def command(call: Invocation, as_json: bool) -> None:
    """Show the recorded devices and their current state."""
    from resolver.output import documents, text
    from resolver.status import statuses

    found = list(statuses(call.host()))
    if as_json:
        objects = [documents.status_object(one) for one in found]
        call.console.document(documents.document("status", devices=objects))
        return
    rows = [text.status_row(one) for one in found]
    if rows:
        call.console.lines(text.columns([text.STATUS_COLUMNS, *rows]))
    else:
        call.console.talk("no device is recorded")
    for one in found:
        if one.problem:
            call.console.talk(text.shown(f"{one.name}: {one.problem}"))
