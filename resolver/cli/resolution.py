"""Resolve many modaliases, as fast as they come.

Text in, text out: a line costs one look-up, and what is printed for an alias is put
together once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from resolver.errors import UsageError
from resolver.matching.alias_files import AliasEntry
from resolver.matching.alias_index import AliasLookup
from resolver.matching.glob import wildcards
from resolver.matching.modalias import vfio_name

__all__ = ["json_lines", "text_lines"]

OnError = Callable[[int, UsageError], None]
"""Called with the number of a line, from 1, and what is wrong with it."""


def text_lines(
    lookup: AliasLookup, lines: Iterable[bytes], on_error: OnError
) -> Iterator[str]:
    """Yield modalias, module, alias and source, with tabs between, for each line.

    Where nothing matches, ``-`` stands for module, alias and source.

    :param lines: modaliases; blanks around them are ignored, and so are empty lines.
    """
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


def json_lines(
    lookup: AliasLookup, lines: Iterable[bytes], on_error: OnError, header: str
) -> Iterator[str]:
    """Yield a JSON document piece by piece, with one object for each line.

    :param lines: as for ``text_lines``.
    :param header: the document without the bracket that ends it.
    """
    # Costs a tenth of the start of a command that prints text.
    from json.encoder import encode_basestring_ascii as quoted

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


# What follows the modalias in its object.
def _members(entry: AliasEntry | None, **more: str) -> str:
    import json

    found = {
        "module": entry.module if entry else None,
        "alias": entry.pattern if entry else None,
        "wildcards": wildcards(entry.pattern) if entry else None,
        "source": entry.source if entry else None,
    }
    return json.dumps({**found, **more})[1:]


# Bytes that are no ASCII make a modalias malformed, and stay recognisable in the
# message about it.
def _numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines, 1):
        text = line.strip().decode("latin-1")
        if text:
            yield number, text
