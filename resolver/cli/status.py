"""``resolver status``."""

from __future__ import annotations

import click

from resolver.cli import options
from resolver.cli.session import Session, pass_session

__all__ = ["command"]


@click.command("status")
@options.as_json
@options.common
@pass_session
def command(session: Session, as_json: bool) -> None:
    """Show which devices are remembered, and how they are now."""
    from resolver.output import documents, text
    from resolver.status import statuses

    found = list(statuses(session.host()))
    if as_json:
        objects = [documents.status_object(one) for one in found]
        session.console.document(documents.document("status", devices=objects))
        return
    rows = [text.status_row(one) for one in found]
    if rows:
        session.console.lines(text.columns([text.STATUS_COLUMNS, *rows]))
    else:
        session.console.talk("nothing is remembered")
    for one in found:
        if one.problem:
            session.console.talk(text.shown(f"{one.name}: {one.problem}"))
