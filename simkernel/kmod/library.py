"""The modules of libkmod, read from configuration and indexes.

Answers questions; the kernel is asked in ``simkernel.kmod.kernel_state``.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence

from simkernel.kmod.config import DEFAULT_PATHS, read_configuration
from simkernel.kmod.errno_text import error_text
from simkernel.kmod.index import Index
from simkernel.kmod.module import KmodModule
from simkernel.kmod.names import normalize_module_name, path_to_module_name
from simkernel.kmod.pattern import matches
from simkernel.kmod.process import Process, Severity

__all__ = ["Library"]


class Library:
    """A context of libkmod.

    :param directory: where the modules are; ``None``: those of the running kernel.
    :param config_paths: files and directories with configuration.

    Reports what is wrong with the configuration on standard error, also when the
    command is told to be quiet. Source: libkmod.c kmod_new().
    """

    def __init__(
        self,
        process: Process,
        directory: str | None = None,
        config_paths: Sequence[str] = DEFAULT_PATHS,
    ) -> None:
        self.process = process
        self.files = process.context.files
        self.directory = directory or f"/lib/modules/{process.context.release}"
        self.configuration = read_configuration(
            self.files, self.directory, config_paths
        )
        for each in self.configuration.complaints:
            where = f"../libkmod/libkmod-config.c:{each.line} {each.function}"
            process.write_error(f"libkmod: ERROR {where}: {each.text}\n")
        self._modules: dict[tuple[str, str | None], KmodModule] = {}
        self._indexes: dict[str, Index | None] = {}

    def log(self, severity: Severity, place: tuple[int, str], text: str) -> None:
        """Write a message of libkmod-module.c.

        :param place: line and function there.
        """
        line, function = place
        self.process.log_library(severity, ("libkmod-module", line, function), text)

    def index(self, name: str) -> Index | None:
        """Return an index file; ``None``: it is unusable.

        :param name: file name without ``.bin``.
        """
        if name not in self._indexes:
            try:
                self._indexes[name] = Index(
                    self.files.read(f"{self.directory}/{name}.bin")
                )
            except (OSError, ValueError):
                self._indexes[name] = None
        return self._indexes[name]

    def module(self, name: str, alias: str | None = None) -> KmodModule:
        """Return the module of a name, one object per name and alias.

        :param name: taken literally.
        :param alias: text under which it was looked up, if that was no module name.
        """
        key = (name, alias)
        if key not in self._modules:
            self._modules[key] = KmodModule(name=name, alias=alias)
        return self._modules[key]

    def module_from_name(self, name: str) -> KmodModule:
        """Return the module of a name in any spelling."""
        return self.module(normalize_module_name(name))

    def module_from_path(self, path: str) -> KmodModule:
        """Return the module that is in a file.

        :raises OSError: ENOENT, there is no such file; EEXIST, the module is already
            known from another file.

        Source: libkmod-module.c kmod_module_new_from_path().
        """
        path = self.process.absolute(path)
        if path.endswith("/") or not self.files.exists(path):
            raise FileNotFoundError(errno.ENOENT, error_text(errno.ENOENT))
        name = path_to_module_name(path)
        module = self.module(name)
        if module.path is not None and module.path != path:
            self.log(
                Severity.ERROR,
                (428, "kmod_module_new_from_path"),
                f"kmod_module '{name}' already exists with different path: "
                f"new-path='{path}' old-path='{module.path}'",
            )
            raise FileExistsError(errno.EEXIST, error_text(errno.EEXIST))
        module.path = path
        module.builtin = False
        return module

    def known_modules(self) -> list[KmodModule]:
        """Return every module looked up so far."""
        return list(self._modules.values())

    def path(self, module: KmodModule) -> str | None:
        """Return the file of a module, ``None`` if it has none.

        Source: libkmod-module.c kmod_module_get_path().
        """
        if module.path is None and module.dependencies is None:
            self._read_dependencies(module)
        return module.path

    def dependencies(self, module: KmodModule) -> list[KmodModule]:
        """Return the dependencies of a module, in load order.

        Source: libkmod-module.c kmod_module_get_dependencies().
        """
        if module.dependencies is None:
            self._read_dependencies(module)
        return module.dependencies or []

    def _read_dependencies(self, module: KmodModule) -> None:
        index = self.index("modules.dep")
        line = index.search(module.name) if index is not None else None
        if line is not None:
            self.set_dependencies(module, line)

    def set_dependencies(self, module: KmodModule, line: str) -> None:
        """Set path and dependencies from a line of ``modules.dep``.

        Source: libkmod-module.c kmod_module_parse_depline().
        """
        if module.dependencies is not None:
            return
        file, colon, rest = line.partition(":")
        if not colon:
            module.dependencies = []
            return
        if module.path is None:
            module.path = self._absolute(file)
        found: list[KmodModule] = []
        for word in rest.replace("\t", " ").split(" "):
            if not word:
                continue
            path = self._absolute(word)
            try:
                found.append(self.module_from_path(path))
            except OSError as exc:
                # The real message holds an address of the process here.
                self.log(
                    Severity.ERROR,
                    (191, "kmod_module_parse_depline"),
                    f"ctx=0x55d0c0de02a0 path={path} error={_text_of(exc)}",
                )
                return
        module.dependencies = found[::-1]

    def _absolute(self, path: str) -> str:
        return path if path.startswith("/") else f"{self.directory}/{path}"

    def is_builtin(self, module: KmodModule) -> bool:
        """Tell whether ``modules.builtin.bin`` lists the module.

        Source: libkmod-module.c kmod_module_is_builtin().
        """
        if module.builtin is None:
            index = self.index("modules.builtin")
            module.builtin = index is not None and index.search(module.name) is not None
        return module.builtin

    def options(self, module: KmodModule) -> str | None:
        """Return the configured parameters of a module.

        Source: libkmod-module.c kmod_module_get_options().
        """
        texts = [
            text
            for name, text in self.configuration.options
            if text and name in (module.name, module.alias)
        ]
        return " ".join(texts) if texts else None

    def install_command(self, module: KmodModule) -> str | None:
        """Return the install command; ``None``: there is none."""
        if module.install is not None:
            return module.install
        return _first_match(self.configuration.install, module.name)

    def remove_command(self, module: KmodModule) -> str | None:
        """Return the remove command; ``None``: there is none."""
        if module.remove is not None:
            return module.remove
        return _first_match(self.configuration.remove, module.name)

    def is_blacklisted(self, module: KmodModule) -> bool:
        """Tell whether a ``blacklist`` line names the module."""
        return module.name in self.configuration.blacklist


def _first_match(commands: list[tuple[str, str]], name: str) -> str | None:
    # Source: libkmod-module.c kmod_module_get_install_commands().
    for pattern, command in commands:
        if matches(pattern, name):
            return command
    return None


def _text_of(exc: OSError) -> str:
    return error_text(exc.errno or errno.EIO)
