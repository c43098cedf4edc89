"""The configuration of kmod: ``modprobe.d``, ``modules.softdep``, kernel command line.

Reads and orders it; what the lines lead to is decided by those who use it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from simkernel.kmod.command_line import kernel_parameters
from simkernel.kmod.files import Files, is_directory, read_text_or_none
from simkernel.kmod.names import normalize_alias

__all__ = [
    "DEFAULT_PATHS",
    "Complaint",
    "Configuration",
    "SoftDependency",
    "read_configuration",
]

DEFAULT_PATHS: Final = (
    "/etc/modprobe.d",
    "/run/modprobe.d",
    "/usr/local/lib/modprobe.d",
    "/lib/modprobe.d",
)
"""Where the configuration lies, the most important directory first."""
_BLANKS: Final = "\t "
_SPACES: Final = " \t\n\v\f\r"


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftDependency:
    """One ``softdep NAME pre: ... post: ...`` line."""

    name: str
    """Module name, may hold wildcards."""
    pre: tuple[str, ...]
    """Modules or aliases to load before it."""
    post: tuple[str, ...]
    """Modules or aliases to load after it."""

    def text(self) -> str:
        """Return the line without its first two words.

        Without a blank before ``post:``, as kmod 30 prints it.

        Source: libkmod-config.c softdep_to_char().
        """
        pre = f"pre: {' '.join(self.pre)}" if self.pre else ""
        return pre + (f"post: {' '.join(self.post)}" if self.post else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """Something in the configuration that kmod reports and then ignores."""

    line: int
    """Line of libkmod-config.c that reports it; shown to the user."""
    function: str
    """Function around that line."""
    text: str
    """What is wrong."""


@dataclass(slots=True)
class Configuration:
    """All lines that were read, in order; names have ``_`` for ``-``."""

    aliases: list[tuple[str, str]] = field(default_factory=list)
    """Pattern and module of each ``alias``."""
    blacklist: list[str] = field(default_factory=list)
    """Module of each ``blacklist``."""
    options: list[tuple[str, str]] = field(default_factory=list)
    """Module or alias, and parameters, of each ``options``."""
    install: list[tuple[str, str]] = field(default_factory=list)
    """Module pattern and shell command of each ``install``."""
    remove: list[tuple[str, str]] = field(default_factory=list)
    """Module pattern and shell command of each ``remove``."""
    softdeps: list[SoftDependency] = field(default_factory=list)
    """Each ``softdep``."""
    complaints: list[Complaint] = field(default_factory=list)
    """What was wrong, in the order in which it was met."""


def read_configuration(
    files: Files, module_directory: str, paths: Sequence[str] = DEFAULT_PATHS
) -> Configuration:
    """Read the configuration as libkmod does.

    Files of all ``paths`` and ``modules.softdep`` are read in the order of their
    names; of several with one name only the first is. Directories give their
    ``*.conf`` and ``*.alias``; a path may also be a file. What cannot be read is
    skipped. The kernel command line comes last.

    :param module_directory: ``/lib/modules/<release>``.

    Source: libkmod-config.c kmod_config_new().
    """
    configuration = Configuration()
    found = {"modules.softdep": f"{module_directory}/modules.softdep"}
    for path in paths:
        if not files.exists(path):
            continue
        if is_directory(files, path):
            for name in _file_names(files, path, configuration):
                found.setdefault(name, f"{path}/{name}")
        else:
            found.setdefault(path.rpartition("/")[2], path)
    for name in sorted(found, key=lambda each: each.encode("utf-8", "surrogateescape")):
        content = read_text_or_none(files, found[name])
        if content is not None:
            _parse(content, found[name], configuration)
    _add_kernel_command_line(files, configuration)
    return configuration


def _file_names(
    files: Files, directory: str, configuration: Configuration
) -> list[str]:
    # Names in a directory that hold configuration.
    # Source: libkmod-config.c conf_files_filter_out().
    names: list[str] = []
    for name in files.listdir(directory):
        suffixed = len(name) >= 6 and name.endswith((".conf", ".alias"))
        if name.startswith(".") or not suffixed:
            continue
        if is_directory(files, f"{directory}/{name}"):
            text = "Directories inside directories are not supported: "
            complaint = Complaint(
                line=772,
                function="conf_files_filter_out",
                text=f"{text}{directory}/{name}",
            )
            configuration.complaints.append(complaint)
            continue
        names.append(name)
    return names


def _add_kernel_command_line(files: Files, configuration: Configuration) -> None:
    # Source: libkmod-config.c kcmdline_parse_result().
    text = read_text_or_none(files, "/proc/cmdline") or ""
    for module, parameter in kernel_parameters(text[:4095]):
        if module == "modprobe" and parameter.startswith("blacklist="):
            configuration.blacklist += parameter.partition("=")[2].split(",")
            continue
        try:
            configuration.options.append((normalize_alias(module), parameter))
        except ValueError:
            complaint = "Ignoring bad option on kernel command line while parsing "
            configuration.complaints.append(
                Complaint(
                    line=489,
                    function="kcmdline_parse_result",
                    text=f"{complaint}module name: '{module}'",
                )
            )


def _parse(content: str, path: str, configuration: Configuration) -> None:
    # Source: libkmod-config.c kmod_config_parse().
    for number, line in _logical_lines(content):
        if line.startswith("#"):
            continue
        keyword, rest = _word(line)
        if keyword is None:
            continue
        if keyword in ("include", "config"):
            text = f"{path}: command {keyword} is deprecated and not parsed anymore"
            place = 708
        elif _take(keyword, rest, configuration):
            continue
        else:
            text = f"{path} line {number}: ignoring bad line starting with '{keyword}'"
            place = 712
        complaint = Complaint(line=place, function="kmod_config_parse", text=text)
        configuration.complaints.append(complaint)


def _logical_lines(content: str) -> Iterator[tuple[int, str]]:
    # (number of its last physical line, text); a backslash joins lines, and before
    # any other character it disappears.
    # Source: shared/util.c freadline_wrapped().
    number = joined = at = 0
    line = ""
    while at < len(content):
        char = content[at]
        at += 1
        if char == "\\":
            # At the end of the file, the end itself is stored as byte 0xff.
            char = content[at] if at < len(content) else "\udcff"
            at += 1
            if char == "\n":
                joined += 1
            else:
                line += char
        elif char == "\n":
            number += joined + 1
            yield number, line.partition("\0")[0]
            line, joined = "", 0
        else:
            line += char
    if line:
        yield number + joined + 1, line.partition("\0")[0]


def _take(keyword: str, rest: str, configuration: Configuration) -> bool:
    # Store one line; False if it is malformed or of no known kind.
    name, rest = _word(rest)
    if name is None:
        return False
    try:
        name = normalize_alias(name)
        if keyword == "alias":
            module, _ = _word(rest)
            if module is None:
                return False
            configuration.aliases.append((name, normalize_alias(module)))
            return True
    except ValueError:
        return False
    if keyword == "blacklist":
        configuration.blacklist.append(name)
        return True
    if not rest:
        return False
    match keyword:
        case "options":
            configuration.options.append((name, rest.replace("\t", " ")))
        case "install":
            configuration.install.append((name, rest))
        case "remove":
            configuration.remove.append((name, rest))
        case "softdep":
            configuration.softdeps.append(_soft_dependency(name, rest))
        case _:
            return False
    return True


def _word(text: str) -> tuple[str | None, str]:
    # First word and what follows the single blank after it, as strtok_r(3) cuts.
    text = text.lstrip(_BLANKS)
    if not text:
        return None, ""
    for at, char in enumerate(text):
        if char in _BLANKS:
            return text[:at], text[at + 1 :]
    return text, ""


def _soft_dependency(name: str, text: str) -> SoftDependency:
    # A word before the first "pre:" or "post:" is dropped. A single blank in front of
    # the first word sticks to it, so that " pre:" is no keyword.
    # Source: libkmod-config.c kmod_config_add_softdep().
    lists: dict[str, list[str]] = {"pre:": [], "post:": []}
    target: list[str] | None = None
    for word in _soft_dependency_words(text):
        if word in lists:
            target = lists[word]
        elif target is not None:
            target.append(word)
    return SoftDependency(
        name=name, pre=tuple(lists["pre:"]), post=tuple(lists["post:"])
    )


def _soft_dependency_words(text: str) -> list[str]:
    # The words of a softdep line, with the oddity that _soft_dependency() describes.
    for char in _SPACES[1:]:
        text = text.replace(char, " ")
    words = text.split()
    if words and text[0] == " " and text[1] != " ":
        words[0] = f" {words[0]}"
    return words
