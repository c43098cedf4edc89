"""``resolver status``."""

from __future__ import annotations

import click

from resolver.cli import options as shared
from resolver.cli.invocation import Invocation, pass_invocation

__all__ = ["command"]


@click.command("status")
@shared.as_json
@shared.common
@pass_invocation
def command(call: Invocation, as_json: bool) -> None:
    """Show which devices are remembered, and how they are now."""
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
        call.console.talk("nothing is remembered")
    for one in found:
        if one.problem:
            call.console.talk(text.shown(f"{one.name}: {one.problem}"))
