"""Processes that share out work between them.

Each is a copy of this one and does one thing after the other: what may block in the
kernel, blocks one of them.
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

__all__ = ["Workers"]

Do = Callable[[int], Any]


class Workers:
    """So many processes; the first is there at once, the others when they have work.

    :param count: how many at most.
    :param do: does the piece of work with a number, and returns what came of it.
    :raises OSError: not one process can be had.
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
        """Yield the number of each piece of work and what came of it, as it comes.

        After an interruption, what is at hand is ended and yielded before it goes on.

        :param units: numbers that one process does one after the other.
        :param is_stopped: whether nothing more shall be begun.
        :return: what ``do`` returned; a text where nothing came of it.
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

    # Those that are there work while the others are made, which takes its time.
    def _begin(self, pending: list[Sequence[int]]) -> None:
        for channel in self._processes:
            self._give(channel, pending)
        while pending and len(self._processes) < self._count:
            try:
                self._give(self._start(), pending)
            except OSError:
                return  # Those that could be had have to do.

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
            left = self._at_work[channel]
            number, result = _received(channel)
            if number is None:
                del self._at_work[channel]
                for one in left:
                    yield one, result
                continue
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


# No number: nothing more comes from there.
def _received(channel: Connection) -> tuple[int | None, Any]:
    with contextlib.suppress(EOFError, OSError):
        number, result = channel.recv()
        return number, result
    return None, "the process that was at work on it was ended"


def _work(channel: Connection, do: Do, not_ours: Sequence[Connection]) -> None:
    for other in not_ours:
        other.close()  # Else the parent's end would not be seen here.
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The parent decides.
    signal.signal(signal.SIGTERM, _interrupt_once)
    try:
        while True:
            for number in channel.recv():
                channel.send((number, do(number)))
    except KeyboardInterrupt:
        channel.send((None, "interrupted; it is as it was"))
    except (EOFError, OSError):
        return


def _interrupt_once(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
