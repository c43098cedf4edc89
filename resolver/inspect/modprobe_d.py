"""What an administrator's modprobe configuration says against loading a module.

Text of the files in, prohibitions out: nothing is opened here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

__all__ = ["Prohibition", "command_line_prohibition", "find_prohibition"]

_REFUSALS = frozenset({"true", "false", ":", "exit"})
"""Commands that people put on an ``install`` line to keep a module out."""


class Prohibition(NamedTuple):
    """A line that keeps a module from being loaded."""

    keyword: Literal["blacklist", "install"]
    text: str
    """The line, blanks squeezed."""
    where: str
    """``/etc/modprobe.d/vfio.conf line 3``."""
    is_certain: bool
    """An ``install`` line may also run a command that does load the module."""


def find_prohibition(
    files: Iterable[tuple[str, bytes]], module: str
) -> Prohibition | None:
    """Return the first line that keeps ``modprobe -b`` from loading a module.

    :param files: path and content of each file that modprobe reads, in its order.
    :param module: name with ``_`` only.

    Source: modprobe.d(5).
    """
    for path, data in files:
        for number, words in _lines(data):
            found = _judge(words, module, f"{path} line {number}")
            if found is not None:
                return found
    return None


def command_line_prohibition(data: bytes, module: str) -> Prohibition | None:
    """Return what the kernel's command line says against loading a module.

    modprobe heeds ``modprobe.blacklist=``, and the kernel itself
    ``module_blacklist=``, in which names are as the kernel has them.

    :param data: content of ``/proc/cmdline``.
    :param module: name with ``_`` only.

    Source: modprobe(8); Linux, kernel/module/main.c, blacklisted().
    """
    for word in data.decode("utf-8", "replace").split():
        key, _, names = word.partition("=")
        listed = names.split(",")
        if (key == "modprobe.blacklist" and module in _names(listed)) or (
            key == "module_blacklist" and module in listed
        ):
            return Prohibition("blacklist", word, "the kernel command line", True)
    return None


def _judge(words: list[str], module: str, where: str) -> Prohibition | None:
    if len(words) < 2 or module not in _names(words[1:2]):
        return None
    text = " ".join(words)
    if words[0] == "blacklist":
        return Prohibition("blacklist", text, where, True)
    if words[0] == "install":
        command = words[2].rpartition("/")[2] if len(words) > 2 else ":"
        return Prohibition("install", text, where, command in _REFUSALS)
    return None


# Number of its first line and words of every command; a line that ends in a
# backslash goes on in the next.
def _lines(data: bytes) -> Iterator[tuple[int, list[str]]]:
    start, held = 1, ""
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
        start = start if held else number
        if line.endswith("\\"):
            held += line[:-1] + " "
            continue
        words = (held + line).split()
        held = ""
        if words and not words[0].startswith("#"):
            yield start, words


def _names(names: list[str]) -> list[str]:
    return [name.replace("-", "_") for name in names]
