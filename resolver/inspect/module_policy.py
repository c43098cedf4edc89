"""How the administrator's configuration affects loading a module.

Pure: statements of modprobe.d and the kernel command line in, facts out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from resolver.inspect.modprobe_d import Statement
from resolver.matching.module_lists import module_name

__all__ = [
    "Prohibition",
    "command_line_prohibition",
    "module_options",
    "prohibition_in",
]

_NO_COMMANDS = frozenset({"true", "false", ":", "exit"})
"""Commands on an ``install`` line that load nothing."""


class Prohibition(NamedTuple):
    """A line that keeps a module from being loaded."""

    keyword: Literal["blacklist", "install"]
    text: str
    """The line, with single blanks."""
    where: str
    """``/etc/modprobe.d/vfio.conf line 3``."""
    is_certain: bool
    """False for an ``install`` line whose command may load the module."""


def prohibition_in(
    configuration: Iterable[Statement], module: str
) -> Prohibition | None:
    """Return the first statement that blocks ``modprobe -b MODULE``.

    :param module: name with ``_`` only.

    Source: modprobe.d(5).
    """
    for one in configuration:
        if [module_name(word) for word in one.arguments[:1]] != [module]:
            continue
        if one.keyword == "blacklist":
            return Prohibition("blacklist", one.text, one.where, True)
        if one.keyword == "install":
            command = one.arguments[1] if len(one.arguments) > 1 else ":"
            is_certain = command.rpartition("/")[2] in _NO_COMMANDS
            return Prohibition("install", one.text, one.where, is_certain)
    return None


def command_line_prohibition(data: bytes, module: str) -> Prohibition | None:
    """Return the kernel parameter that keeps a module from being loaded.

    modprobe reads ``modprobe.blacklist=``; dashes are underscores there. The kernel
    reads ``module_blacklist=`` and compares names exactly.

    :param data: content of ``/proc/cmdline``.
    :param module: name with ``_`` only.

    Source: modprobe(8); Linux, kernel/module/main.c, blacklisted().
    """
    for word in data.decode("utf-8", "replace").split():
        key, _, names = word.partition("=")
        listed = names.split(",")
        if (key == "modprobe.blacklist" and module in map(module_name, listed)) or (
            key == "module_blacklist" and module in listed
        ):
            return Prohibition("blacklist", word, "the kernel command line", True)
    return None


def module_options(
    configuration: Iterable[Statement], command_line: Iterable[str]
) -> dict[str, str]:
    """Return ``module.parameter`` to its configured value.

    :param command_line: words of the kernel command line; they win.

    Source: modprobe.d(5), ``options``; Linux, kernel/params.c: ``-`` is ``_``.
    """
    found: dict[str, str] = {}
    for one in configuration:
        if one.keyword == "options":
            for setting in one.arguments[1:]:
                _set(found, f"{one.arguments[0]}.{setting}")
    for word in command_line:
        if "." in word.partition("=")[0]:
            _set(found, word)
    return found


# A bool without a value is on; Y, y and 1 are equal.
# Source: Linux, kernel/params.c, param_set_bool().
def _set(found: dict[str, str], setting: str) -> None:
    name, _, value = setting.partition("=")
    found[module_name(name)] = "Y" if value in ("", "1", "y", "Y") else value
