"""A pool of processes.

Each is a fork of this one and does one unit after the other. A call that blocks in the
kernel blocks only one of them.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Any

from resolver.linux.helper import forking
from resolver.linux.signals import hold, until_reported

__all__ = ["Workers", "may_have_children"]

Do = Callable[[int], Any]


def may_have_children() -> bool:
    """Return whether multiprocessing lets this process start workers.

    A worker of ``multiprocessing.Pool`` may have none.
    """
    return not multiprocessing.current_process().daemon


class Workers:
    """A pool of processes. The first starts at once, the others on demand.

    :param count: maximum number of processes.
    :param do: function that does the item with a number, and returns its result.
    :raises OSError: no process can be started.
    """

    def __init__(self, count: int, do: Do) -> None:
        self._context = multiprocessing.get_context("fork")
        self._processes: dict[Connection, BaseProcess] = {}
        self._at_work: dict[Connection, list[int]] = {}
        self._count = count
        self._do = do
        self._start()

    def run(
        self, units: Sequence[Sequence[int]], is_stopped: Callable[[], bool]
    ) -> Iterator[tuple[int, Any]]:
        """Yield number and result of each item, as they end.

        After an interrupt, running items end and are yielded before it is raised again.

        :param units: lists of numbers; one process does a list in order.
        :param is_stopped: function that returns whether to start no more units.
        :return: the result of ``do``; a text if the process ended without a result.
        """
        pending = list(units)[::-1]
        try:
            self._begin(pending)
            while self._at_work:
                yield from self._collect(pending)
                if is_stopped():
                    pending.clear()
        except KeyboardInterrupt:
            yield from self._interrupted()
            raise
        except GeneratorExit:
            for _ in self._interrupted():
                pass
            raise
        finally:
            self._end()

    # Existing processes work while the others start.
    def _begin(self, pending: list[Sequence[int]]) -> None:
        for channel in self._processes:
            self._give(channel, pending)
        while pending and len(self._processes) < self._count:
            try:
                self._give(self._start(), pending)
            except OSError:
                return  # Continue with the processes that could be started.

    def _start(self) -> Connection:
        ours, theirs = self._context.Pipe()
        not_theirs = (ours, *self._processes)
        process = self._context.Process(
            target=_work, args=(theirs, self._do, not_theirs), daemon=True
        )
        with forking():
            process.start()
        theirs.close()
        self._processes[ours] = process
        return ours

    def _give(self, channel: Connection, pending: list[Sequence[int]]) -> None:
        if pending:
            self._at_work[channel] = list(pending.pop())
            channel.send(tuple(self._at_work[channel]))

    def _collect(self, pending: list[Sequence[int]]) -> Iterator[tuple[int, Any]]:
        for channel in wait(list(self._at_work)):
            if not isinstance(channel, Connection):
                continue
            with until_reported():
                hold()
                yield from self._next(channel, pending)

    def _next(
        self, channel: Connection, pending: list[Sequence[int]]
    ) -> Iterator[tuple[int, Any]]:
        left = self._at_work[channel]
        number, result = _received(channel)
        if number is None:
            del self._at_work[channel]
            for one in left:
                yield one, result
            return
        left.remove(number)
        if not left:
            del self._at_work[channel]
            self._give(channel, pending)
        yield number, result

    def _interrupted(self) -> Iterator[tuple[int, Any]]:
        for process in self._processes.values():
            process.terminate()
        while self._at_work:
            yield from self._collect([])

    def _end(self) -> None:
        for channel in self._processes:
            channel.close()
        for process in self._processes.values():
            process.join()


# Without a number, the process sends nothing more.
def _received(channel: Connection) -> tuple[int | None, Any]:
    with contextlib.suppress(EOFError, OSError):
        number, result = channel.recv()
        return number, result
    return None, "the worker process was killed"


def _work(channel: Connection, do: Do, not_ours: Sequence[Connection]) -> None:
    for other in not_ours:
        other.close()  # Otherwise this process would not notice the end of its parent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The parent handles it.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt_once)
    try:
        while True:
            for one in channel.recv():
                with until_reported():
                    channel.send((one, do(one)))
    except KeyboardInterrupt:
        channel.send((None, "interrupted; rolled back"))
    except (EOFError, OSError):
        return


def _interrupt_once(number: int, frame: FrameType | None) -> None:
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.SIG_IGN)
    raise KeyboardInterrupt
