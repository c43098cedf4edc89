"""How far a command on several devices has come, where a person waits for it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from resolver.errors import ResolverError

__all__ = ["with_progress"]

T = TypeVar("T")


def with_progress(
    results: Iterable[tuple[int, T]], total: int
) -> Iterator[tuple[int, T]]:
    """Yield results; on a terminal, a bar shows their count, and they come after it.

    :param total: how many there will be.
    """
    if total < 2 or not sys.stderr.isatty():
        yield from results
        return
    yield from _behind_a_bar(results, total)


def _behind_a_bar(
    results: Iterable[tuple[int, T]], total: int
) -> Iterator[tuple[int, T]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    done: list[tuple[int, T]] = []
    bar = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        console=Console(stderr=True),
        transient=True,
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    try:
        with bar:
            task = bar.add_task("", total=total)
            for one in results:
                done.append(one)
                failed = sum(isinstance(result, ResolverError) for _, result in done)
                text = f"{failed} failed" if failed else ""
                bar.update(task, advance=1, description=text, refresh=True)
    except KeyboardInterrupt:
        yield from done
        raise
    yield from done
