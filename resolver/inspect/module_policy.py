"""How the administrator's configuration affects loading a module.

Pure: statements of modprobe.d and the kernel command line in, facts out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from resolver.inspect.modprobe_d import Statement, normalized
from resolver.matching.module_lists import module_name

__all__ = [
    "COMMAND_LINE",
    "Prohibition",
    "command_line_statements",
    "kernel_blacklist",
    "loads_nothing",
    "module_options",
]

COMMAND_LINE = "the kernel command line"
"""Place of a statement that is in no file."""

_NO_COMMANDS = frozenset({"", "true", "false", ":", "exit", "echo", "logger"})
"""Commands that load nothing."""

_SPACES = " \t\n\v\f\r"
_CONNECTORS = ("&&", "||", ";", "&", "|", "\n")
_COMMAND_LINE_BYTES = 4095
"""modprobe reads no more of it."""


class Prohibition(NamedTuple):
    """A line that keeps a module from being loaded."""

    keyword: Literal["blacklist", "install", "alias", "modprobe"]
    """``modprobe``: the program itself loads nothing, and no line explains it."""
    text: str
    """The line, with single blanks."""
    where: str
    """``/etc/modprobe.d/vfio.conf line 3``."""
    is_certain: bool
    """False for an ``install`` line whose command may load the module."""
    module: str
    """The module that the line is about: the one to load, or one that it needs."""


def loads_nothing(command: str) -> bool:
    """Return whether the command of an ``install`` line certainly loads nothing.

    True if it runs nothing but programs such as ``true``. modprobe passes the command
    to the shell, so that ``true && modprobe -i NAME`` loads.

    Source: kmod 30, libkmod/libkmod-module.c, module_do_install_commands().
    """
    command = command.replace("$CMDLINE_OPTS", "").replace("${CMDLINE_OPTS}", "")
    if any(char in command for char in "$`<>(){}\"'\\"):
        return False
    command = command.partition("#")[0]
    for connector in _CONNECTORS:
        command = command.replace(connector, ";")
    words = (part.split() for part in command.split(";"))
    return all(
        (part[0] if part else "").rpartition("/")[2] in _NO_COMMANDS for part in words
    )


def command_line_statements(data: bytes) -> Iterator[Statement]:
    """Yield what modprobe reads from the kernel command line.

    ``modprobe.blacklist=a,b`` is a blacklist of names as they are written: modprobe
    compares them with ``_``, so that ``vfio-pci`` has no effect there.

    :param data: content of ``/proc/cmdline``.

    Source: kmod 30, libkmod/libkmod-config.c, kcmdline_parse_result().
    """
    text = data[:_COMMAND_LINE_BYTES].decode("utf-8", "surrogateescape")
    for module, parameter in _parameters(text.partition("\0")[0]):
        word = f"{module}.{parameter}"
        if module == "modprobe" and parameter.startswith("blacklist="):
            for listed in parameter.partition("=")[2].split(","):
                yield Statement("blacklist", listed, "", COMMAND_LINE, 0, word)
        elif (name := normalized(module)) is not None:
            yield Statement("options", name, parameter, COMMAND_LINE, 0, word)


# Module and parameter of each word. Blanks inside quotes belong to a value; a quote
# before the module moves to the value.
# Source: kmod 30, libkmod/libkmod-config.c, kmod_config_parse_kcmdline().
def _parameters(text: str) -> Iterator[tuple[str, str]]:
    for word in _words(text):
        is_quoted = word.startswith('"')
        module, dot, parameter = word.removeprefix('"').partition(".")
        key, equals, value = parameter.partition("=")
        if not dot or {'"', "="} & set(module) or {'"', "."} & set(key):
            continue
        if not is_quoted:
            yield module, parameter
        elif equals:
            yield module, f'{key}="{value}'


def _words(text: str) -> Iterator[str]:
    word, is_quoted, is_useful = "", False, True
    for char in f"{text} ":
        is_space = char in _SPACES
        if is_space and not is_quoted:
            if word and is_useful:
                yield word
            word, is_useful = "", True
            continue
        is_quoted ^= char == '"'
        is_useful &= not is_space or "=" in word
        word += char


def kernel_blacklist(data: bytes) -> dict[str, str]:
    """Return the modules that the kernel refuses to load, and the parameter.

    The kernel compares names exactly, with ``_``.

    :param data: content of ``/proc/cmdline``.

    Source: Linux, kernel/module/main.c, blacklisted().
    """
    words = data.decode("utf-8", "surrogateescape").split()
    prefix = "module_blacklist="
    last = [word for word in words if word.startswith(prefix)][-1:]
    return {
        name: word for word in last for name in word.removeprefix(prefix).split(",")
    }


def module_options(configuration: Iterable[Statement]) -> dict[str, str]:
    """Return ``module.parameter`` to its configured value; the last line wins.

    Source: modprobe.d(5), ``options``; Linux, kernel/params.c: ``-`` is ``_``.
    """
    found: dict[str, str] = {}
    for one in configuration:
        if one.keyword == "options":
            for setting in one.rest.split():
                _set(found, f"{one.name}.{setting}")
    return found


# A bool without a value is on; Y, y and 1 are equal.
# Source: Linux, kernel/params.c, param_set_bool().
def _set(found: dict[str, str], setting: str) -> None:
    name, _, value = setting.partition("=")
    found[module_name(name)] = "Y" if value in ("", "1", "y", "Y") else value
