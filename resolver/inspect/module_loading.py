"""What loading a module does on a host, and what prevents it. Only reads.

On a live host modprobe itself answers, in a dry run. The reading of its configuration
finds file and line. On a captured host the reading is the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
    said = _said(host, module)
    if said is None or said == [step.output for step in _shown(targets)]:
        return ours
    return _prohibition_by_program(said, reading, module, refused)


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


# The lines of `modprobe -n -v -b`; None without an answer.
def _said(host: Host, module: str) -> list[str] | None:
    if not host.is_live:
        return None
    try:
        exit_code, output = host.modprobe_steps(module)
    except ResolverError:
        return None
    lines = [line.rstrip(" ") for line in output.split("\n") if line.strip(" ")]
    known = all(line.startswith(("insmod ", "install ", "builtin ")) for line in lines)
    return lines if known and (lines or exit_code == 0) else None


def _shown(targets: Sequence[Target]) -> Iterator[ModprobeStep]:
    for target in targets:
        yield from (step for step in target.steps if step.output)


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
        line = target.blacklist
        return Prohibition("blacklist", line.text, line.where, True)
    uncertain = None
    is_loaded = not target.steps and target.module == module
    for step in target.steps:
        if step.is_required and step.action == "insmod" and step.module in refused:
            return Prohibition("blacklist", refused[step.module], COMMAND_LINE, True)
        if step.line is not None and (step.is_required or step.module == module):
            text, where = step.line.text, step.line.where
            if loads_nothing(step.text):
                return Prohibition("install", text, where, True)
            uncertain = Prohibition("install", text, where, False)
        is_loaded |= step.module == module and step.action == "insmod"
    if uncertain is not None or is_loaded:
        return uncertain
    if target.alias is not None:
        return Prohibition("alias", target.alias.text, target.alias.where, True)
    return None


# The program is right where its answer differs from the reading. Of a line with the
# same command, the reading still knows file and line.
def _prohibition_by_program(
    said: Sequence[str], reading: Modprobe, module: str, refused: dict[str, str]
) -> Prohibition | None:
    steps = [_step_of(line, reading) for line in said]
    where = f"modprobe -n -v -b {module}, unlike its configuration as resolver reads it"
    if not steps:
        return Prohibition("modprobe", "prints no step", where, True)
    unknown = Statement("install", module, "", where, 0, said[-1])
    steps = [
        step._replace(line=step.line or unknown) if step.action == "install" else step
        for step in steps
    ]
    outcome = _outcome(Target(module, tuple(steps), None, None), module, refused)
    is_loaded = any(step.module == module for step in steps)
    if outcome is None and not is_loaded:
        return Prohibition("modprobe", said[-1], where, True)
    return outcome


def _step_of(line: str, reading: Modprobe) -> ModprobeStep:
    action, _, text = line.partition(" ")
    if action == "install":
        found = reading.install_line(text)
        name = found.name if found else ""
        return ModprobeStep("install", name, found.rest if found else text, line=found)
    path, _, parameters = text.partition(" ")
    return ModprobeStep(
        "insmod" if action == "insmod" else "builtin", name_in(path), path, parameters
    )
