"""``resolver explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from resolver.cli import options as shared
from resolver.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from resolver.explanation import Explanation
    from resolver.session import Session

__all__ = ["command"]

_EXAMPLES = """\b
Examples:
  resolver explain 0000:3b:00.2
  resolver explain --kernel 6.12.0 0000:3b:00.2
"""


@click.command("explain", epilog=_EXAMPLES)
@shared.devices(required=True)
@shared.as_json
@shared.kernel
@shared.common
@pass_invocation
def command(call: Invocation, devices: tuple[str, ...], as_json: bool) -> None:
    """Show which driver DEVICE would get, and why.

    DEVICE may also be a modalias.
    """
    from resolver.errors import ResolverError
    from resolver.output import documents, text

    session = call.session()
    if not as_json:
        call.console.notes(session.unseen)
    objects, codes = [], []
    for word in devices:
        try:
            found = _explain(session, word)
        except ResolverError as error:
            codes.append(error.exit_code)
            objects.append(documents.error_object(word, None, error))
            error.about = word
            call.console.error(error)
            continue
        objects.append(documents.explanation_object(word, found))
        if not as_json:
            call.console.lines(text.explanation_lines(word, found))
    if as_json:
        document = documents.device_document("explain", session.unseen, objects)
        call.console.document(document)
    call.exit_code = text.worst(codes)


def _explain(session: Session, word: str) -> Explanation:
    if word.startswith(("pci:", "vfio_")) and ":v" in word:
        from resolver.explanation import explain_modalias
        from resolver.matching import modalias

        return explain_modalias(session.host, session.aliases, modalias.parse(word))
    return session.explain(word)
