"""The tools' interfaces to a host: files and system calls.

The tiers and the tests implement them.
"""

from __future__ import annotations

import errno
from typing import Protocol, runtime_checkable

__all__ = [
    "Files",
    "ModuleSyscalls",
    "WritableFiles",
    "is_directory",
    "read_text",
    "read_text_or_none",
]


class Files(Protocol):
    """The part of a file system that the tools read.

    A path is absolute, or relative to the working directory when a user typed it so.
    """

    def read(self, path: str) -> bytes:
        """Return a file's content, or raise as open(2)."""

    def listdir(self, path: str) -> list[str]:
        """Return the names in a directory, or raise as open(2)."""

    def exists(self, path: str) -> bool:
        """Tell whether stat(2) succeeds; links are followed."""


@runtime_checkable
class WritableFiles(Files, Protocol):
    """A file system to which depmod can write."""

    def write(self, path: str, content: bytes) -> None:
        """Create or replace a file, or raise as open(2)."""


class ModuleSyscalls(Protocol):
    """The system calls that load and unload modules."""

    def init_module(self, image: bytes, parameters: str) -> None:
        """Load the uncompressed module ``image``.

        :param parameters: ``name=value`` texts, separated by blanks.
        :raises OSError: with the errno of finit_module(2).
        """

    def delete_module(self, name: str, *, force: bool) -> None:
        """Unload a module without waiting for its users.

        :raises OSError: with the errno of delete_module(2).
        """


def read_text(files: Files, path: str) -> str:
    """Return a file as text, with surrogates for invalid UTF-8.

    :raises OSError: as ``Files.read``.
    """
    return files.read(path).decode("utf-8", "surrogateescape")


def read_text_or_none(files: Files, path: str) -> str | None:
    """Return a file as text; ``None``: it is unreadable."""
    try:
        return read_text(files, path)
    except OSError:
        return None


def is_directory(files: Files, path: str) -> bool:
    """Tell whether ``path`` names a directory."""
    try:
        files.listdir(path)
    except OSError as exc:
        return exc.errno == errno.EACCES
    return True
