"""How far reading has come, where a person waits for it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

__all__ = ["with_bar"]

T = TypeVar("T", bound=Sized)

_FEW = 64
"""So many files are read before anybody would look for a bar."""


def with_bar(parts: Iterable[T], total: int) -> Iterator[T]:
    """Yield parts; on a terminal, a bar shows how much is in those that came.

    :param total: how much there will be in all of them.
    """
    if total < _FEW or not sys.stderr.isatty():
        yield from parts
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    bar = Progress(
        TextColumn("modules"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
        auto_refresh=False,  # its thread would be there when processes are forked
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with bar:
        task = bar.add_task("", total=total)
        for part in parts:
            yield part
            bar.update(task, advance=len(part), refresh=True)
