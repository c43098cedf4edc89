"""``resolver resolve``."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Sequence

import click

from resolver.cli import options
from resolver.cli.session import Session, pass_session
from resolver.errors import UsageError

__all__ = ["command"]

_LINES_AT_ONCE = 512


@click.command("resolve")
@click.argument("modaliases", metavar="[MODALIAS... | -]", nargs=-1)
@options.kept_option(
    "--modules-dir",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    help="Aliases of the kernel whose modules are in DIR.",
)
@options.as_json
@options.kernel
@options.common
@pass_session
def command(session: Session, modaliases: tuple[str, ...], as_json: bool) -> None:
    """Print the VFIO module for each MODALIAS, or for each line of stdin (-).

    Columns are modalias, module, alias and source, with tabs between.
    """
    from resolver.cli import resolution

    if session.kernel and session.modules_dir:
        raise click.UsageError("--kernel and --modules-dir exclude each other")
    if not modaliases:
        raise click.UsageError("name modaliases, or say - to read them from stdin")
    console = session.console
    aliases = session.aliases(session.host())
    for note in aliases.notes:
        console.talk(f"warning: {note}")
    lines = sys.stdin.buffer if modaliases == ("-",) else _encoded(modaliases)

    def on_error(number: int, problem: UsageError) -> None:
        session.exit_code = problem.exit_code
        problem.about = f"line {number}" if modaliases == ("-",) else ""
        console.error(problem)

    if as_json:
        header = '{"schema": "resolver/1", "command": "resolve"}'
        pieces = resolution.json_lines(aliases.lookup, lines, on_error, header)
    else:
        pieces = resolution.text_lines(aliases.lookup, lines, on_error)
    while chunk := "".join(itertools.islice(pieces, _LINES_AT_ONCE)):
        console.write(chunk)
        if console.is_unread:
            break


def _encoded(texts: Sequence[str]) -> Iterator[bytes]:
    return (text.encode("utf-8", "surrogateescape") for text in texts)
