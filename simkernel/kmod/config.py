"""Read the configuration of kmod.

Reads and orders it; what the lines lead to is decided by those who use it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from simkernel.kmod.command_line import kernel_parameters
from simkernel.kmod.config_lines import logical_lines, next_word, softdep_words
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
"""Directories of the configuration, highest precedence first."""


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
    """A problem that kmod reports and then ignores."""

    line: int
    """Line of libkmod-config.c that reports it; shown to the user."""
    function: str
    """Function around that line."""
    text: str
    """Description of the problem."""


@dataclass(slots=True)
class Configuration:
    """All configuration lines in order, with normalized names."""

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
    """Problems found, in order."""


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
    for number, line in logical_lines(content):
        if line.startswith("#"):
            continue
        keyword, rest = next_word(line)
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


def _take(keyword: str, rest: str, configuration: Configuration) -> bool:
    # Store one line; False if it is malformed or of no known kind.
    word, text = next_word(rest)
    name = _name(word)
    if name is None:
        return False
    if keyword == "alias":
        module = _name(next_word(text)[0])
        if module is not None:
            configuration.aliases.append((name, module))
        return module is not None
    if keyword == "blacklist":
        configuration.blacklist.append(name)
        return True
    return bool(text) and _take_text(keyword, name, text, configuration)


def _name(word: str | None) -> str | None:
    # The word as names are compared, None if there is none or it is malformed.
    try:
        return None if word is None else normalize_alias(word)
    except ValueError:
        return None


def _take_text(
    keyword: str, name: str, text: str, configuration: Configuration
) -> bool:
    # Store a line that ends in free text; False if it is of no known kind.
    match keyword:
        case "options":
            configuration.options.append((name, text.replace("\t", " ")))
        case "install":
            configuration.install.append((name, text))
        case "remove":
            configuration.remove.append((name, text))
        case "softdep":
            configuration.softdeps.append(_soft_dependency(name, text))
        case _:
            return False
    return True


def _soft_dependency(name: str, text: str) -> SoftDependency:
    # A word before the first "pre:" or "post:" is dropped.
    # Source: libkmod-config.c kmod_config_add_softdep().
    lists: dict[str, list[str]] = {"pre:": [], "post:": []}
    target: list[str] | None = None
    for word in softdep_words(text):
        if word in lists:
            target = lists[word]
        elif target is not None:
            target.append(word)
    return SoftDependency(
        name=name, pre=tuple(lists["pre:"]), post=tuple(lists["post:"])
    )
