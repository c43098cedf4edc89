"""Configuration directories that overlay each other. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

__all__ = ["visible_files"]


def visible_files(
    directories: Iterable[str],
    names_in: Callable[[str], Iterable[str]],
    ending: str | tuple[str, ...],
) -> tuple[str, ...]:
    """Return the files that take effect, sorted by name.

    A file hides the files of the same name in later directories.

    :param directories: absolute paths, the one with the highest precedence first.
    :param names_in: function that lists a directory.
    :param ending: end of the file names that count, such as ``.conf``; or several.

    Source: modprobe.d(5); udev(7).
    """
    found: dict[str, str] = {}
    for directory in directories:
        for name in names_in(directory):
            if name.endswith(ending):
                found.setdefault(name, f"{directory}/{name}")
    return tuple(path for _, path in sorted(found.items()))
