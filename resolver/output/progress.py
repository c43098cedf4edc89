"""Progress bars on a terminal, for work that takes time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager, suppress
from typing import TypeVar

from resolver.errors import ResolverError
from resolver.output.console import is_terminal

__all__ = ["with_module_bar", "with_progress"]

T = TypeVar("T")
Part = TypeVar("Part", bound=Sized)

_FEW_MODULES = 64
"""Reading fewer modules ends before anyone would look at a bar."""


def with_progress(
    results: Iterable[tuple[int, T]], total: int
) -> Iterator[tuple[int, T]]:
    """Yield the results of devices; a terminal shows their count first.

    The results follow the bar, because printing them would break it.

    :param total: number of results.
    """
    if total < 2 or not is_terminal(sys.stderr):
        yield from results
        return
    done: list[tuple[int, T]] = []
    try:
        with _bar("", total) as advance:
            for one in results:
                done.append(one)
                failed = sum(isinstance(result, ResolverError) for _, result in done)
                advance(1, f"{failed} failed" if failed else "")
    except KeyboardInterrupt:
        yield from done
        raise
    yield from done


def with_module_bar(parts: Iterable[Part], total: int) -> Iterator[Part]:
    """Yield parts as they come; a terminal shows how many modules they have.

    :param total: number of modules in all parts.
    """
    if total < _FEW_MODULES or not is_terminal(sys.stderr):
        yield from parts
        return
    with _bar("modules", total) as advance:
        for part in parts:
            yield part
            advance(len(part), "")


@contextmanager
def _bar(label: str, total: int) -> Iterator[Callable[[int, str], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    bar = Progress(
        *([TextColumn(label)] if label else []),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        console=Console(stderr=True),
        transient=True,
        auto_refresh=False,  # a refresh thread would exist while processes fork
        redirect_stdout=False,
        redirect_stderr=False,
    )
    # The terminal may go away. The work does not depend on it.
    task = bar.add_task("", total=total)
    with suppress(OSError):
        bar.start()

    def advance(count: int, text: str) -> None:
        with suppress(OSError):
            bar.update(task, advance=count, description=text, refresh=True)

    try:
        yield advance
    finally:
        with suppress(OSError):
            bar.stop()
