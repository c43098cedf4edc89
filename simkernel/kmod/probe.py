"""Load a module with its dependencies, as modprobe does.

Implements load order, install commands, blacklists and fatal failures; not the command
line.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass

from simkernel.kmod import shell
from simkernel.kmod.kernel_state import init_state, is_in_kernel
from simkernel.kmod.library import Library
from simkernel.kmod.lookup import soft_dependencies
from simkernel.kmod.module import InitState, KmodModule
from simkernel.kmod.module_file import read_module_file
from simkernel.kmod.process import Severity

__all__ = ["ProbeMode", "insert_module", "probe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeMode:
    """How to load; each switch is an option of modprobe."""

    dry_run: bool = False
    """Load nothing."""
    show: bool = False
    """Print each step."""
    ignore_loaded: bool = False
    """Treat every module as not loaded."""
    fail_on_loaded: bool = False
    """Fail if the module is already loaded."""
    ignore_commands: bool = False
    """Run no install command of the module asked for, and no soft dependency."""
    use_blacklist: bool = False
    """Also refuse blacklisted modules that were asked for by name."""


def probe(
    library: Library, module: KmodModule, parameters: str, mode: ProbeMode
) -> int:
    """Load a module with its dependencies and commands.

    A blacklisted module is silently left alone if it was found by an alias; blacklisted
    dependencies are loaded.

    :param parameters: for this module only.
    :returns: 0, or the errno of what failed; soft dependencies may fail.

    Source: libkmod-module.c kmod_module_probe_insert_module().
    """
    if not mode.ignore_loaded and is_in_kernel(library, module):
        return errno.EEXIST if mode.fail_on_loaded else 0
    filtered = mode.use_blacklist or module.alias is not None
    if filtered and library.is_blacklisted(module):
        return 0
    for each in library.known_modules():
        each.visited = each.required = False
    steps: list[KmodModule] = []
    _add(library, module, steps, required=True, ignores_command=mode.ignore_commands)
    for step in steps:
        extra = parameters if step is module else None
        error = _take_step(library, step, extra, mode)
        if error == errno.EEXIST and step is module and mode.fail_on_loaded:
            return error
        if error and error != errno.EEXIST and step.required:
            return error
    return 0


def _add(
    library: Library,
    module: KmodModule,
    steps: list[KmodModule],
    *,
    required: bool = False,
    ignores_command: bool = False,
) -> None:
    # Append the steps that load a module, dependencies first. A dependency is not
    # marked as visited, which is why it may appear twice.
    # Source: libkmod-module.c __kmod_module_get_probe_list().
    if module.visited:
        return
    module.visited = True
    dependencies = library.dependencies(module)
    if required:
        for each in (module, *dependencies):
            each.required = True
    for dependency in dependencies:
        _add_with_soft_dependencies(library, dependency, steps)
    if ignores_command:
        steps.append(module)
        module.ignores_command = True
    else:
        _add_with_soft_dependencies(library, module, steps)


def _add_with_soft_dependencies(
    library: Library, module: KmodModule, steps: list[KmodModule]
) -> None:
    # A module with soft dependencies is loaded even if it has an install command.
    # Source: libkmod-module.c __kmod_module_fill_softdep().
    before, after = soft_dependencies(library, module)
    for each in before:
        _add(library, each, steps)
    steps.append(module)
    module.ignores_command = bool(before or after)
    for each in after:
        _add(library, each, steps)


def _take_step(
    library: Library, module: KmodModule, extra: str | None, mode: ProbeMode
) -> int:
    # Load one module, or run its command; 0 or an errno.
    if not mode.ignore_loaded and is_in_kernel(library, module):
        return errno.EEXIST
    parameters = _join_parameters(library.options(module), extra)
    command = library.install_command(module)
    if module.ignores_command:
        command = None
    if mode.show:
        _show(library, module, command, parameters)
    if mode.dry_run:
        return 0
    if command is not None:
        return _run_install_command(library, module, command, parameters)
    return insert_module(library, module, parameters)


def _join_parameters(configured: str | None, extra: str | None) -> str:
    # A blank follows the configured ones in any case.
    # Source: libkmod-module.c module_options_concat().
    return (f"{configured} " if configured else "") + (extra or "")


def _show(
    library: Library, module: KmodModule, command: str | None, parameters: str
) -> None:
    # Source: tools/modprobe.c print_action().
    if command is not None:
        library.process.print(f"install {command} {parameters}")
        return
    path = library.path(module)
    if path is not None:
        library.process.print(f"insmod {path} {parameters}")
    elif init_state(library, module) is InitState.BUILTIN:
        library.process.print(f"builtin {module.name}")


def _run_install_command(
    library: Library, module: KmodModule, command: str, parameters: str
) -> int:
    # Source: libkmod-module.c module_do_install_commands(), command_do().
    command = command.replace("$CMDLINE_OPTS", parameters)
    status = shell.run(library.process, command, module.name)
    if status == 0:
        return 0
    library.log(
        Severity.ERROR,
        (1047, "command_do"),
        f"Error running install command '{command}' for module {module.name}: "
        f"retcode {status}",
    )
    return errno.EINVAL


def insert_module(library: Library, module: KmodModule, parameters: str) -> int:
    """Load the file of a module only; return 0 or an errno.

    Source: libkmod-module.c kmod_module_insert_module().
    """
    path = library.path(module)
    if path is None:
        library.log(
            Severity.ERROR,
            (895, "kmod_module_insert_module"),
            f"could not find module by name='{module.name}'",
        )
        return errno.ENOENT
    try:
        image = read_module_file(library.files, path)
        library.process.init_module(image, parameters)
    except OSError as exc:
        return exc.errno or errno.EIO
    return 0
