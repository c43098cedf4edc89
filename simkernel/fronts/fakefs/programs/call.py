"""One call of a simulated tool: arguments, input, output."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from getopt import GetoptError, gnu_getopt

from simkernel.fronts.fakefs.filesystem import HostFiles
from simkernel.fronts.fakefs.mounts import Mounts

__all__ = ["Call", "UnsupportedError"]


class UnsupportedError(Exception):
    """The simulated tool does not support its arguments."""


@dataclass(slots=True, kw_only=True)
class Call:
    """One call of a tool."""

    words: list[str]
    """Name and arguments."""
    stdin: bytes | None
    """Content of standard input; None: unknown."""
    files: HostFiles
    mounts: Mounts
    uname: os.uname_result
    uid: int
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    status: int = 0

    def options(self, short: str, *long: str) -> tuple[dict[str, str], list[str]]:
        """Return the options and the other arguments.

        :raises UnsupportedError: another option was given.
        """
        try:
            pairs, rest = gnu_getopt(self.words[1:], short, long)
        except GetoptError:
            raise UnsupportedError from None
        return dict(pairs), rest

    def inputs(self, paths: list[str]) -> Iterator[tuple[str, bytes]]:
        """Yield name and content of each file or standard input.

        :raises UnsupportedError: the content of standard input is unknown.
        """
        if not paths:
            if self.stdin is None:
                raise UnsupportedError
            yield "", self.stdin
        for path in paths:
            try:
                yield path, self.files.read(path)
            except OSError as error:
                self.fail(path, error)

    def fail(self, subject: str, error: OSError, status: int = 1) -> None:
        """Report an error, in the format of coreutils."""
        text = os.strerror(error.errno or 0)
        self.stderr += f"{self.words[0]}: {subject}: {text}\n".encode()
        self.status = status
