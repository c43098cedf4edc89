"""What ``modprobe -b NAME`` does on a host: its steps, or why it loads nothing.

Pure: configuration, lists of depmod and loaded modules in, steps out. The rules are
those of kmod 30; tests compare the steps with the installed program.

A blacklist concerns the module that was asked for, not its dependencies. An alias in
modprobe.d comes before a module of the same name. A soft dependency hides the module's
own ``install`` line.

Source: kmod 30, libkmod/libkmod-module.c and tools/modprobe.c.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from resolver.inspect.modprobe_d import Statement, normalized, softdep_lists
from resolver.inspect.module_tree import ModuleTree, name_in
from resolver.matching.glob import matches

__all__ = ["Modprobe", "ModprobeStep", "Target"]


class _Module(NamedTuple):
    # A module as it was looked up. modprobe treats the same module under several
    # aliases as different ones.
    name: str
    alias: str | None = None


class ModprobeStep(NamedTuple):
    """One step of modprobe."""

    action: Literal["insmod", "install", "builtin", "missing"]
    """``missing``: the module has no file."""
    module: str
    text: str
    """Path of the file, command of the ``install`` line, or name of the module."""
    parameters: str = ""
    is_required: bool = True
    """False for soft dependencies: modprobe ignores their failures."""
    line: Statement | None = None
    """The ``install`` line."""

    @property
    def output(self) -> str:
        """The line that ``modprobe -n -v`` prints, without blanks at its end."""
        if self.action == "missing":
            return ""
        return f"{self.action} {self.text} {self.parameters}".rstrip(" ")


class Target(NamedTuple):
    """One of the modules that a name stands for."""

    module: str
    steps: tuple[ModprobeStep, ...]
    alias: Statement | None
    """The ``alias`` line of modprobe.d that names the module."""
    blacklist: Statement | None
    """The ``blacklist`` line that ends the load before its first step."""


@dataclass
class _Load:
    # The lists of one load: modules in order, and those that must not fail.
    order: list[_Module] = field(default_factory=list)
    visited: set[_Module] = field(default_factory=set)
    required: set[_Module] = field(default_factory=set)


class Modprobe:
    """modprobe with its configuration.

    :param configuration: statements of modprobe.d, ``modules.softdep`` and the kernel
        command line, in this order of precedence.
    :param directory: module directory, for the paths of the steps.
    :param is_live: function that returns whether a module is loaded and ready.
    """

    def __init__(
        self,
        configuration: Iterable[Statement],
        tree: ModuleTree,
        directory: str,
        is_live: Callable[[str], bool],
    ) -> None:
        self._tree = tree
        self._directory = directory
        self._is_live = is_live
        self._lines: dict[str, list[Statement]] = {}
        for line in configuration:
            self._lines.setdefault(line.keyword, []).append(line)
        self._found_by_command: dict[_Module, Statement] = {}

    def load(self, name: str, *, ignore_loaded: bool = False) -> tuple[Target, ...]:
        """Return what ``modprobe -b NAME`` does, for each module of the name.

        :param ignore_loaded: assume that no module is loaded, like
            ``--show-depends``.
        :return: empty: modprobe finds no such module.
        """
        wanted = normalized(name)
        if wanted is None:
            return ()
        found = self._look_up(wanted)
        aliases = dict(enumerate(_matching(self._all("alias"), wanted)))
        return tuple(
            self._target(module, aliases.get(at), ignore_loaded=ignore_loaded)
            for at, module in enumerate(found)
        )

    def install_line(self, text: str) -> Statement | None:
        """Return the ``install`` line of a step that the program prints.

        :param text: command and parameters.
        """
        found = (
            line
            for line in self._all("install")
            if text.startswith(line.rest.rstrip(" "))
        )
        return max(found, key=lambda line: len(line.rest.rstrip(" ")), default=None)

    def _target(
        self, module: _Module, alias: Statement | None, *, ignore_loaded: bool
    ) -> Target:
        if not ignore_loaded and self._is_in_kernel(module):
            return Target(module.name, (), alias, None)
        for line in self._all("blacklist"):
            if line.name == module.name:
                return Target(module.name, (), alias, line)
        load = self._ordered(module)
        steps = tuple(
            self._step(one, is_required=one in load.required)
            for one in load.order
            if ignore_loaded or not self._is_in_kernel(one)
        )
        return Target(module.name, steps, alias, None)

    # Source: kmod 30, kmod_module_new_from_lookup().
    def _look_up(self, name: str) -> list[_Module]:
        lines = _matching(self._all("alias"), name)
        if lines:
            return [_Module(line.rest, line.name) for line in lines]
        if ":" not in name and (name in self._tree.files or not self._tree.is_indexed):
            return [_Module(name.partition(".")[0])]
        if name.startswith("symbol:"):
            modules = self._tree.by_symbol(name)
            if modules:
                return [_Module(one, name) for one in modules]
        return self._look_up_further(name)

    def _look_up_further(self, name: str) -> list[_Module]:
        module = _Module(name.partition(".")[0])
        for line in self._all("install"):
            if line.name == name:
                self._found_by_command[module] = line
                return [module]
        if any(line.name == name for line in self._all("remove")):
            return [module]
        modules = self._tree.by_alias(name)
        if not modules and name in self._tree.builtin:
            return [module]
        modules = modules or self._tree.by_builtin_alias(name)
        return [_Module(one, name) for one in modules]

    # Every module in load order. A dependency is not marked as visited: it may come
    # twice. Source: kmod 30, __kmod_module_get_probe_list().
    def _ordered(self, module: _Module) -> _Load:
        load = _Load(required={module, *self._needs(module)})
        tasks: list[tuple[Literal["add", "fill", "take"], _Module]] = [("add", module)]
        while tasks:
            action, one = tasks.pop()
            if action == "take":
                load.order.append(one)
            elif action == "fill":
                before, after = self._softdeps(one)
                tasks.extend(("add", each) for each in reversed(after))
                tasks.append(("take", one))
                tasks.extend(("add", each) for each in reversed(before))
            elif one not in load.visited:
                load.visited.add(one)
                tasks.append(("fill", one))
                tasks.extend(("fill", each) for each in reversed(self._needs(one)))
        return load

    def _needs(self, module: _Module) -> list[_Module]:
        _, *needs = self._tree.files.get(module.name, ("",))
        return [_Module(name_in(path)) for path in needs]

    # The first line that matches counts, even if its lists are empty.
    # Source: kmod 30, kmod_module_get_softdeps().
    def _softdeps(self, module: _Module) -> tuple[list[_Module], list[_Module]]:
        for line in _matching(self._all("softdep"), module.name)[:1]:
            before, after = softdep_lists(line.rest)
            return list(self._each(before)), list(self._each(after))
        return [], []

    def _each(self, names: Iterable[str]) -> Iterator[_Module]:
        for name in names:
            wanted = normalized(name)
            if wanted is None:
                continue
            found = self._look_up(wanted)
            if not found and not self._tree.lists_builtin:
                found = [_Module(wanted)]
            yield from found

    def _step(self, module: _Module, *, is_required: bool) -> ModprobeStep:
        parameters = " ".join(
            line.rest.replace("\t", " ")
            for line in self._all("options")
            if line.rest and line.name in module
        )
        command = self._command(module)
        if command is not None:
            text = command.rest
            return ModprobeStep(
                "install", module.name, text, parameters, is_required, command
            )
        path, *_ = self._tree.files.get(module.name, ("",))
        if path:
            path = path if path.startswith("/") else f"{self._directory}/{path}"
            return ModprobeStep("insmod", module.name, path, parameters, is_required)
        if not self._tree.is_indexed:
            return ModprobeStep("insmod", module.name, module.name, "", is_required)
        is_builtin = self._is_builtin(module)
        action: Literal["builtin", "missing"] = "builtin" if is_builtin else "missing"
        return ModprobeStep(action, module.name, module.name, "", is_required)

    # Source: kmod 30, __kmod_module_fill_softdep(): any soft dependency hides it.
    def _command(self, module: _Module) -> Statement | None:
        if any(self._softdeps(module)):
            return None
        if module in self._found_by_command:
            return self._found_by_command[module]
        found = _matching(self._all("install"), module.name)
        return found[0] if found else None

    def _is_in_kernel(self, module: _Module) -> bool:
        return self._is_builtin(module) or self._is_live(module.name)

    def _is_builtin(self, module: _Module) -> bool:
        if module.name in self._tree.builtin:
            return True
        alias = module.alias
        return alias is not None and module.name in self._tree.by_builtin_alias(alias)

    def _all(self, keyword: str) -> list[Statement]:
        return self._lines.get(keyword, [])


def _matching(lines: Iterable[Statement], name: str) -> list[Statement]:
    return [line for line in lines if matches(line.name, name)]
