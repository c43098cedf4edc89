"""What loading a module does on a host, and what prevents it. Only reads.

On a live host modprobe itself answers, in a dry run. The reading of its configuration
finds file and line. On a captured host the reading is the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from resolver.errors import ResolverError, UsageError
from resolver.inspect.modprobe import Modprobe, ModprobeStep, Target
from resolver.inspect.modprobe_d import (
    ENDINGS,
    Statement,
    is_configuration,
    statements,
)
from resolver.inspect.module_policy import (
    COMMAND_LINE,
    Prohibition,
    command_line_statements,
    kernel_blacklist,
    loads_nothing,
    module_options,
)
from resolver.inspect.module_tree import ModuleTree, name_in
from resolver.inspect.modules import is_loaded
from resolver.inspect.overlay import visible_files
from resolver.linux import Host

__all__ = ["configuration_of", "find_prohibition", "modprobe_of", "parameter_of"]


def find_prohibition(host: Host, module: str) -> Prohibition | None:
    """Return the line that keeps modprobe from loading a module, if any.

    :param module: name with ``_`` only.
    """
    return host.kept(("prohibition", module), lambda: _find(host, module))


def _find(host: Host, module: str) -> Prohibition | None:
    reading = host.kept("modprobe", lambda: modprobe_of(host))
    targets = reading.load(module)
    refused = kernel_blacklist(_bytes(host, f"{host.proc}/cmdline") or b"")
    ours = _prohibition(targets, module, refused)
    said = _said(host, module, reading)
    if said is None or _keys(said) == _keys(_shown(targets)):
        return ours
    return _prohibition_by_program(said, module, refused)


def parameter_of(host: Host, module: str, name: str) -> str | None:
    """Return the value of a module parameter, or what loading the module sets.

    :return: ``Y`` or ``N`` for a bool; ``None``: unset, or no such parameter.
    """
    if is_loaded(host, module):
        return host.attribute(f"{host.sys}/module/{module}/parameters/{name}")
    configured = host.kept("options", lambda: module_options(configuration_of(host)))
    return configured.get(f"{module}.{name}")


def modprobe_of(host: Host) -> Modprobe:
    """Return modprobe with the configuration of a host."""
    directory = _module_directory(host)
    tree = ModuleTree(lambda name: _bytes(host, f"{directory}/{name}"))
    return Modprobe(
        configuration_of(host), tree, directory, lambda name: _is_live(host, name)
    )


def configuration_of(host: Host) -> tuple[Statement, ...]:
    """Return modprobe's configuration, in the order in which it counts.

    A file that this user cannot read is skipped, as modprobe skips it.

    Source: kmod 30, libkmod/libkmod-config.c, kmod_config_new().
    """
    paths = visible_files(host.modprobe_d, lambda one: _names(host, one), ENDINGS)
    softdeps = f"{_module_directory(host)}/modules.softdep"
    ordered = sorted((*paths, softdeps), key=lambda path: path.rpartition("/")[2])
    files = ((path, _bytes(host, path) or b"") for path in ordered)
    command_line = _bytes(host, f"{host.proc}/cmdline") or b""
    return (*statements(files), *command_line_statements(command_line))


def _module_directory(host: Host) -> str:
    try:
        release = host.release()
    except UsageError:
        release = None
    return host.module_directory(release or "")


def _names(host: Host, directory: str) -> Iterator[str]:
    try:
        names = host.names(directory)
    except OSError:
        return
    for name in names:
        if is_configuration(name) and not host.is_directory(f"{directory}/{name}"):
            yield name


def _bytes(host: Host, path: str) -> bytes | None:
    try:
        return host.read_if_there(path)
    except OSError:
        return None


# Source: kmod 30, libkmod/libkmod-module.c, kmod_module_get_initstate().
def _is_live(host: Host, module: str) -> bool:
    if "/" in module or "\0" in module:
        return False
    try:
        return host.attribute(f"{host.sys}/module/{module}/initstate") == "live"
    except OSError:
        return False


# The steps that `modprobe -n -v -b` prints; None without an answer.
def _said(host: Host, module: str, reading: Modprobe) -> list[ModprobeStep] | None:
    if not host.is_live:
        return None
    try:
        exit_code, output = host.modprobe_steps(module)
    except ResolverError:
        return None
    lines = [line.rstrip(" ") for line in output.split("\n") if line.strip(" ")]
    known = all(line.startswith(("insmod ", "install ", "builtin ")) for line in lines)
    if not known or (not lines and exit_code != 0):
        return None
    return [_step_of(line, reading) for line in lines]


def _shown(targets: Sequence[Target]) -> Iterator[ModprobeStep]:
    for target in targets:
        yield from (step for step in target.steps if step.output)


# What tells steps apart: not the directory, which may have two paths.
def _keys(steps: Iterable[ModprobeStep]) -> list[tuple[str, str]]:
    return [
        (one.action, one.text.rstrip(" ") if one.action == "install" else one.module)
        for one in steps
    ]


# What the steps of every module that a name stands for do to the module.
def _prohibition(
    targets: Sequence[Target], module: str, refused: dict[str, str]
) -> Prohibition | None:
    found: list[Prohibition] = []
    for target in targets:
        outcome = _outcome(target, module, refused)
        if outcome is None:
            return None
        found.append(outcome)
    found.sort(key=lambda one: one.is_certain)
    return found[0] if found else None


def _outcome(
    target: Target, module: str, refused: dict[str, str]
) -> Prohibition | None:
    if target.blacklist is not None:
        return _by_line("blacklist", target.blacklist, target.module)
    uncertain = None
    is_loaded = not target.steps and target.module == module
    for step in target.steps:
        if step.is_required and step.action == "insmod" and step.module in refused:
            text = refused[step.module]
            return Prohibition("blacklist", text, COMMAND_LINE, True, step.module)
        if step.line is not None and (step.is_required or step.module == module):
            found = _by_line("install", step.line, step.module)
            if loads_nothing(step.text):
                return found
            uncertain = found._replace(is_certain=False)
        is_loaded |= step.module == module and step.action == "insmod"
    if uncertain is None and not is_loaded and target.alias is not None:
        return _by_line("alias", target.alias, module)
    return uncertain


def _by_line(
    keyword: Literal["blacklist", "install", "alias"], line: Statement, module: str
) -> Prohibition:
    return Prohibition(keyword, line.text, line.where, True, module)


# The program is right where its answer differs from the reading. Of a line with the
# same command, the reading still knows file and line.
def _prohibition_by_program(
    said: Sequence[ModprobeStep], module: str, refused: dict[str, str]
) -> Prohibition | None:
    where = f"modprobe -n -v -b {module} (resolver reads its configuration differently)"
    by_program = Prohibition("modprobe", "no step loads it", where, True, module)
    if not said:
        return by_program
    outcome = _outcome(Target(module, tuple(said), None, None), module, refused)
    if outcome is None and not any(step.module == module for step in said):
        return by_program
    return outcome


def _step_of(line: str, reading: Modprobe) -> ModprobeStep:
    action, _, text = line.partition(" ")
    if action == "install":
        found = reading.install_line(text)
        unknown = Statement("install", "", text, "modprobe -n -v -b", 0, line)
        command = found.rest if found else text
        return ModprobeStep("install", "", command, line=found or unknown)
    path, _, parameters = text.partition(" ")
    name = name_in(path)
    if action == "insmod":
        return ModprobeStep("insmod", name, path, parameters)
    return ModprobeStep("builtin", name, name)
