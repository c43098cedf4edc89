"""The command modprobe: load, unload or show modules."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from typing import Final

from simkernel.kmod import modprobe_show
from simkernel.kmod.banner import VERSION, usage
from simkernel.kmod.config import DEFAULT_PATHS
from simkernel.kmod.errno_text import error_text
from simkernel.kmod.getopt import LongOption, Options
from simkernel.kmod.library import Library
from simkernel.kmod.lookup import lookup
from simkernel.kmod.modprobe_remove import Removal
from simkernel.kmod.parameters import join_parameters, quoted_parameter
from simkernel.kmod.probe import ProbeMode, probe
from simkernel.kmod.process import ExitCommand, Process, Severity

__all__ = ["main"]

_SHORT: Final = "arw:RibfDcnC:d:S:sqvVh"
_LONG: Final = {
    "all": LongOption("a"),
    "remove": LongOption("r"),
    "remove-dependencies": LongOption("remove-holders"),
    "remove-holders": LongOption("remove-holders"),
    "wait": LongOption("w", True),
    "resolve-alias": LongOption("R"),
    "first-time": LongOption("first-time"),
    "ignore-install": LongOption("i"),
    "ignore-remove": LongOption("i"),
    "use-blacklist": LongOption("b"),
    "force": LongOption("f"),
    "force-modversion": LongOption("force-modversion"),
    "force-vermagic": LongOption("force-vermagic"),
    "show-depends": LongOption("D"),
    "showconfig": LongOption("c"),
    "show-config": LongOption("c"),
    "show-modversions": LongOption("modversions"),
    "dump-modversions": LongOption("modversions"),
    "show-exports": LongOption("exports"),
    "dry-run": LongOption("n"),
    "show": LongOption("n"),
    "config": LongOption("C", True),
    "dirname": LongOption("d", True),
    "set-version": LongOption("S", True),
    "syslog": LongOption("s"),
    "quiet": LongOption("q"),
    "verbose": LongOption("v"),
    "version": LongOption("V"),
    "help": LongOption("h"),
}


@dataclass(slots=True)
class _Request:
    # What the options ask for.
    flags: set[str] = field(default_factory=set)
    config_paths: list[str] = field(default_factory=list)
    root: str | None = None
    release: str | None = None
    wait_ms: int = 0
    verbosity: int = Severity.WARNING
    names: list[str] = field(default_factory=list)

    @property
    def shows(self) -> bool:
        return "D" in self.flags or self.verbosity > Severity.WARNING

    @property
    def mode(self) -> ProbeMode:
        return ProbeMode(
            dry_run=bool(self.flags & {"n", "D"}),
            show=self.shows,
            ignore_loaded="D" in self.flags,
            fail_on_loaded="first-time" in self.flags,
            ignore_commands="i" in self.flags,
            use_blacklist="b" in self.flags,
        )


def main(process: Process) -> int:
    """Run modprobe.

    Source: tools/modprobe.c do_modprobe().
    """
    request = _parse(process)
    process.to_syslog = "s" in request.flags
    if not request.names and "c" not in request.flags:
        process.log(Severity.ERROR, "missing parameters. See -h.")
        return 1
    directory = None
    if request.root is not None or request.release is not None:
        release = request.release
        if release is None:
            release = process.context.release
        directory = f"{request.root or ''}/lib/modules/{release}"
    library = Library(process, directory, request.config_paths or DEFAULT_PATHS)
    process.severity = Severity(min(request.verbosity, Severity.INFO))
    return 0 if _perform(library, request) else 1


def _perform(library: Library, request: _Request) -> bool:
    # Do what was asked for; False if it failed.
    flags = request.flags
    if "c" in flags:
        modprobe_show.show_configuration(library)
        return True
    grave = Severity.WARNING if "a" in flags else Severity.FATAL
    if "modversions" in flags:
        return modprobe_show.show_modversions(library, request.names[0], grave)
    if "exports" in flags:
        return modprobe_show.show_exports(library, request.names[0], grave)
    if "r" in flags:
        return _removal(library, request, grave).remove_all(request.names)
    if "a" in flags:
        outcomes = [
            _insert(library, each, "", request, grave) for each in request.names
        ]
        return all(outcomes)
    parameters = join_parameters(map(quoted_parameter, request.names[1:]))
    return _insert(library, request.names[0], parameters, request, grave)


def _removal(library: Library, request: _Request, grave: Severity) -> Removal:
    mode = request.mode
    return Removal(
        library=library,
        grave=grave,
        dry_run=mode.dry_run,
        show=mode.show,
        ignore_loaded=mode.ignore_loaded,
        first_time=mode.fail_on_loaded,
        ignore_commands=mode.ignore_commands,
        with_holders="remove-holders" in request.flags,
        force="f" in request.flags,
        wait_ms=request.wait_ms,
    )


def _insert(
    library: Library, text: str, parameters: str, request: _Request, grave: Severity
) -> bool:
    # Load or print whatever `text` stands for. The last of several decides.
    # Source: tools/modprobe.c insmod().
    process = library.process
    try:
        modules = lookup(library, text)
    except ValueError:
        modules = []
    if not modules:
        where = library.directory
        process.log(grave, f"Module {text} not found in directory {where}")
        return False
    error = 0
    for module in modules:
        if "R" in request.flags:
            process.print(module.name)
            continue
        error = probe(library, module, parameters, request.mode)
        if error:
            reason = _REASONS.get(error) or error_text(error)
            process.log(Severity.ERROR, f"could not insert '{module.name}': {reason}")
    return error == 0


_REASONS: Final = {
    errno.EEXIST: "Module already in kernel",
    errno.ENOENT: "Unknown symbol in module, or unknown parameter (see dmesg)",
}


def _parse(process: Process) -> _Request:
    # Read the options; some are handed on to the commands of install lines.
    process.argv[1:1] = _words(process.environment.get("MODPROBE_OPTIONS", ""))
    request = _Request()
    options = Options(process, _SHORT, _LONG)
    for flag, value in options:
        request.flags.add(flag)
        match flag:
            case "w":
                request.wait_ms = _milliseconds(process, value)
            case "C":
                request.config_paths.append(value)
                _hand_on(process, "-C", value)
            case "d":
                request.root = value
            case "S":
                request.release = value
            case "s" | "q" | "v":
                _hand_on(process, f"-{flag}")
                request.verbosity = 0 if flag == "q" else request.verbosity
                request.verbosity += flag == "v"
            case "V" | "h":
                process.print(VERSION if flag == "V" else usage(process.name))
                raise ExitCommand(0)
    request.names = options.operands
    return request


def _milliseconds(process: Process, text: str) -> int:
    # As strtoul(3) with base 0 reads it.
    try:
        return int(text, 0)
    except ValueError:
        process.log(Severity.ERROR, f"unexpected wait value '{text}'.")
        raise ExitCommand(1) from None


def _hand_on(process: Process, *words: str) -> None:
    # Source: tools/modprobe.c env_modprobe_options_append().
    for word in words:
        old = process.environment.get("MODPROBE_OPTIONS")
        new = word if old is None else f"{old} {word}"
        process.environment["MODPROBE_OPTIONS"] = new


def _words(text: str) -> list[str]:
    # Split MODPROBE_OPTIONS at each blank; quotes keep blanks inside a word, and a
    # word that begins with a quote ends with it.
    # Source: tools/modprobe.c prepend_options_from_env().
    words: list[str] = []
    word, quote, opened_first = "", "", False
    for char in text:
        if char == quote:
            quote = ""
            if opened_first:
                words.append(word)
                word = ""
        elif quote:
            word += char
        elif char in "\"'":
            quote, opened_first = char, not word
        elif char == " ":
            words.append(word)
            word = ""
        else:
            word += char
    return [*words, word] if word else words
