"""``modprobe -r``: unload modules and unused dependencies."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from simkernel.kmod import shell
from simkernel.kmod.errno_text import error_text
from simkernel.kmod.kernel_state import holders, init_state, reference_count
from simkernel.kmod.library import Library
from simkernel.kmod.lookup import lookup, soft_dependencies
from simkernel.kmod.module import InitState, KmodModule
from simkernel.kmod.process import ExitCommand, Severity

__all__ = ["Removal", "delete_module"]

# Soft dependencies that form a circle make the real command run out of stack.
_STACK: Final = 200
_SEGMENTATION_FAULT: Final = 128 + 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """One run of ``modprobe -r``; the switches are its options."""

    library: Library
    """Where modules are looked up."""
    grave: Severity
    """Severity of what cannot be done: ``FATAL`` ends the command at once."""
    dry_run: bool
    """Unload nothing."""
    show: bool
    """Print each step."""
    ignore_loaded: bool
    """Treat every module as loaded and unused."""
    first_time: bool
    """Fail if a module is not loaded."""
    ignore_commands: bool
    """Use no remove commands and soft dependencies."""
    with_holders: bool
    """First unload the modules that use a module."""
    force: bool
    """Ask the kernel to unload in any case."""
    wait_ms: int
    """How long to retry while a module is in use, in milliseconds; 0: not at all.

    No time passes here: a module that is in use stays in use.
    """

    def remove_all(self, texts: Sequence[str]) -> bool:
        """Unload modules; return whether all succeeded."""
        outcomes = [self._remove_found(text) for text in texts]
        return all(outcomes)

    def _remove_found(self, text: str) -> bool:
        # Stops at the first module that fails.
        # Source: tools/modprobe.c rmmod().
        try:
            modules = lookup(self.library, text)
        except ValueError:
            return False
        if not modules:
            self._report(f"Module {text} not found.")
            return False
        return all(
            self._remove(each, with_holders=self.with_holders) for each in modules
        )

    def _remove(
        self, module: KmodModule, *, with_holders: bool = False, depth: int = 0
    ) -> bool:
        # Soft dependencies that come after, holders, the module, dependencies that
        # became unused, soft dependencies that come before. `depth` is 0 for what the
        # user named.
        # Source: tools/modprobe.c rmmod_do_module().
        if depth > _STACK:
            raise ExitCommand(_SEGMENTATION_FAULT)
        before: list[KmodModule] = []
        after: list[KmodModule] = []
        command = None
        if not self.ignore_commands:
            before, after = soft_dependencies(self.library, module)
            command = self.library.remove_command(module)
        checked = command is None and not self.ignore_loaded
        if checked:
            outcome = self._outcome_by_state(module, skip_builtin=depth > 0)
            if outcome is not None:
                return outcome
        for each in reversed(after):
            self._remove(each, depth=depth + 1)
        if with_holders and not self._remove_holders(module, depth + 1):
            return False
        if checked and not self.wait_ms and reference_count(self.library, module) > 0:
            self._report(f"Module {module.name} is in use.")
            return False
        if not self._unload(module, command):
            return False
        for each in reversed(before):
            self._remove(each, depth=depth + 1)
        return True

    def _outcome_by_state(
        self, module: KmodModule, *, skip_builtin: bool
    ) -> bool | None:
        # Whether the removal ends here and how, None to go on.
        state = init_state(self.library, module)
        if state is None:
            if self.first_time:
                self._report(f"Module {module.name} is not in kernel.")
            return not self.first_time
        if state is InitState.BUILTIN:
            if not skip_builtin:
                self._report(f"Module {module.name} is builtin.")
            return skip_builtin
        return None

    def _remove_holders(self, module: KmodModule, depth: int) -> bool:
        return all(
            self._remove(each, depth=depth)
            for each in reversed(holders(self.library, module))
        )

    def _unload(self, module: KmodModule, command: str | None) -> bool:
        # By the command, or else by the kernel together with what becomes unused.
        if command is not None:
            return self._run_command(module, command)
        if not self._delete(module):
            return False
        for each in self.library.dependencies(module):
            if reference_count(self.library, each) == 0:
                self._delete(each)
        return True

    def _delete(self, module: KmodModule) -> bool:
        # Source: tools/modprobe.c rmmod_do_remove_module().
        self._show(f"rmmod {module.name}")
        if self.dry_run:
            return True
        error = delete_module(
            self.library, module, force=self.force, quiet=self.wait_ms > 0
        )
        if error == errno.EEXIST:
            if self.first_time:
                self._report(f"Module {module.name} is not in kernel.")
            return not self.first_time
        if error and self.wait_ms:
            reason = error_text(error)
            self.library.process.log(
                Severity.ERROR, f"could not remove '{module.name}': {reason}"
            )
        return error == 0

    def _run_command(self, module: KmodModule, command: str) -> bool:
        # Source: tools/modprobe.c command_do().
        command = command.replace("$CMDLINE_OPTS", "")
        self._show(f"remove {command}")
        if self.dry_run or shell.run(self.library.process, command, module.name) == 0:
            return True
        self._report(f"Error running remove command for {module.name}")
        return False

    def _show(self, text: str) -> None:
        if self.show:
            self.library.process.print(text)
            self.library.process.flush()

    def _report(self, text: str) -> None:
        self.library.process.log(self.grave, text)


def delete_module(
    library: Library, module: KmodModule, *, force: bool, quiet: bool = False
) -> int:
    """Unload one module, nothing else; return 0 or an errno.

    :param quiet: leave the report of a failure to the caller.

    Source: libkmod-module.c kmod_module_remove_module().
    """
    try:
        library.process.delete_module(module.name, force=force)
    except OSError as exc:
        error = exc.errno or errno.EIO
        if not quiet:
            library.log(
                Severity.ERROR,
                (856, "kmod_module_remove_module"),
                f"could not remove '{module.name}': {error_text(error)}",
            )
        return error
    return 0
