"""``resolver resolve``."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from resolver.cli import options as shared
from resolver.cli.invocation import Invocation, pass_invocation
from resolver.errors import UsageError
from resolver.output.console import standard_input

if TYPE_CHECKING:
    from resolver.matching.alias_files import AliasEntry
    from resolver.matching.alias_index import AliasLookup

__all__ = ["command"]

_EXAMPLES = """\b
Examples:
  resolver resolve pci:v000015B3d0000101Esv000015B3sd00000016bc02sc00i00
  cat /sys/bus/pci/devices/*/modalias | resolver resolve -
  resolver resolve --modules-dir /lib/modules/6.12.0 - <modaliases
"""

_LINES_AT_ONCE = 512

OnError = Callable[[int, UsageError], None]
"""Receives the number of a line, from 1, and its error."""


@click.command("resolve", epilog=_EXAMPLES)
@click.argument("modaliases", metavar="[MODALIAS... | -]", nargs=-1)
@shared.kept_option(
    "--modules-dir",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    help="Use the aliases in DIR, the module directory of a kernel [default: that of "
    "the running kernel].",
)
@shared.as_json
@shared.kernel
@shared.common
@pass_invocation
def command(call: Invocation, modaliases: tuple[str, ...], as_json: bool) -> None:
    """Print the VFIO module for each MODALIAS.

    With -, read one modalias a line from stdin. The output has four columns, separated
    by tabs: modalias, module, alias, source.
    """
    if call.kernel and call.modules_dir:
        raise UsageError("--kernel and --modules-dir cannot be used together")
    if not modaliases:
        raise UsageError("no modalias given", hint="give modaliases, or - for stdin")
    console = call.console
    aliases = call.aliases(call.host())
    for note in aliases.notes:
        console.talk(f"warning: {note}")
    lines = standard_input() if modaliases == ("-",) else _encoded(modaliases)

    def on_error(number: int, problem: UsageError) -> None:
        call.exit_code = problem.exit_code
        problem.about = f"line {number}" if modaliases == ("-",) else ""
        console.error(problem)

    if as_json:
        header = '{"schema": "resolver/1", "command": "resolve"}'
        pieces = _json_lines(aliases.lookup, lines, on_error, header)
    else:
        pieces = _text_lines(aliases.lookup, lines, on_error)
    while chunk := "".join(itertools.islice(pieces, _LINES_AT_ONCE)):
        console.write(chunk)
        if console.is_unread:
            break


def _text_lines(
    lookup: AliasLookup, lines: Iterable[bytes], on_error: OnError
) -> Iterator[str]:
    """Yield a line for each modalias, with module, alias and source.

    ``-`` stands for module, alias and source if no alias matches.

    :param lines: modaliases; surrounding blanks and empty lines are ignored.
    """
    from resolver.matching.modalias import vfio_name

    best = lookup.best
    endings: dict[AliasEntry | None, str] = {None: "\t-\t-\t-\n"}
    for number, text in _numbered(lines):
        try:
            entry = best(vfio_name(text))
        except UsageError as problem:
            on_error(number, problem)
            continue
        ending = endings.get(entry)
        if ending is None and entry is not None:
            ending = f"\t{entry.module}\t{entry.pattern}\t{entry.source}\n"
            endings[entry] = ending
        yield f"{text}{ending}"


def _json_lines(
    lookup: AliasLookup, lines: Iterable[bytes], on_error: OnError, header: str
) -> Iterator[str]:
    """Yield a JSON document in pieces, with one object for each modalias.

    :param lines: as for ``_text_lines``.
    :param header: the start of the document.
    """
    # Costs a tenth of the start of a command that prints text.
    from json.encoder import encode_basestring_ascii as quoted

    from resolver.matching.modalias import vfio_name

    best = lookup.best
    endings: dict[AliasEntry | None, str] = {}
    separator = f'{header[:-1]}, "modaliases": ['
    for number, text in _numbered(lines):
        try:
            entry = best(vfio_name(text))
        except UsageError as problem:
            on_error(number, problem)
            ending = _members(None, error=problem.message)
        else:
            if (known := endings.get(entry)) is None:
                known = endings[entry] = _members(entry)
            ending = known
        yield f'{separator}\n{{"modalias": {quoted(text)}, {ending}'
        separator = ","
    if separator == ",":
        yield "\n]}\n"
    else:
        yield f"{separator}]}}\n"


# The members after the modalias.
def _members(entry: AliasEntry | None, **more: str) -> str:
    import json

    from resolver.matching.glob import wildcards

    found = {
        "module": entry.module if entry else None,
        "alias": entry.pattern if entry else None,
        "wildcards": wildcards(entry.pattern) if entry else None,
        "source": entry.source if entry else None,
    }
    return json.dumps({**found, **more})[1:]


# A non-ASCII byte makes a modalias malformed, and stays visible in its error.
def _numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines, 1):
        text = line.strip().decode("latin-1")
        if text:
            yield number, text


def _encoded(texts: Sequence[str]) -> Iterator[bytes]:
    return (text.encode("utf-8", "surrogateescape") for text in texts)
