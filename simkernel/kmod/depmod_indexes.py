"""Generate the index files of depmod from module values.

Neither reads nor writes ``.ko`` files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

from simkernel.errors import UsageError
from simkernel.kmod.depmod_order import (
    ModuleFile,
    sort_modules,
    sorted_dependencies,
    symbol_owners,
)
from simkernel.kmod.hashorder import SYMBOL_BUCKETS, bucket_order
from simkernel.kmod.index_build import Entry, build
from simkernel.kmod.names import normalize_alias, path_to_module_name
from simkernel.kmod.process import Severity

__all__ = ["Report", "depmod_makers"]

Report = Callable[[Severity, str], None]
"""Receives the severity and text of each warning about a module."""

_DEVICE_NUMBER: Final = re.compile(
    r"(char|block)-major-\s*([+-]?\d+)-\s*([+-]?\d+)", re.ASCII
)


def _discard(severity: Severity, text: str) -> None:
    pass


def depmod_makers(
    modules: Sequence[ModuleFile],
    given: Mapping[str, bytes],
    report: Report = _discard,
) -> dict[str, Callable[[], bytes]]:
    """Return a generator for each file, in depmod's order.

    :param given: content of ``modules.order``, ``modules.builtin`` and
        ``modules.builtin.modinfo``, as far as the tree has them.
    :param report: called by the makers for what they leave out.

    A maker raises ``UsageError`` for dependencies that form a cycle and for text in
    an index that is not ASCII.

    Source: tools/depmod.c depmod_output().
    """
    tree = _Tree(modules, given, report)
    return {
        "modules.dep": tree.dep,
        "modules.dep.bin": tree.dep_index,
        "modules.alias": tree.alias,
        "modules.alias.bin": tree.alias_index,
        "modules.softdep": tree.softdep,
        "modules.symbols": tree.symbols,
        "modules.symbols.bin": tree.symbols_index,
        "modules.builtin.bin": tree.builtin_index,
        "modules.builtin.alias.bin": tree.builtin_alias_index,
        "modules.devname": tree.devname,
    }


class _Tree:
    # The modules of one tree; sorting and dependencies are computed once, when needed.

    def __init__(
        self,
        modules: Sequence[ModuleFile],
        given: Mapping[str, bytes],
        report: Report,
    ) -> None:
        self._modules = modules
        self._given = given
        self._report = report

    @cached_property
    def _sorted(self) -> list[ModuleFile]:
        order = self._given.get("modules.order", b"")
        return sort_modules(self._modules, order.decode("utf-8", "surrogateescape"))

    @cached_property
    def _owners(self) -> dict[str, ModuleFile]:
        return symbol_owners(self._sorted)

    @cached_property
    def _dependencies(self) -> dict[str, list[ModuleFile]]:
        return sorted_dependencies(self._sorted, self._owners)

    def dep(self) -> bytes:
        return _text(f"{line}\n" for _, line in self._dependency_lines())

    def dep_index(self) -> bytes:
        return _index(
            (module.name, line, at)
            for at, (module, line) in enumerate(self._dependency_lines())
        )

    def _dependency_lines(self) -> Iterator[tuple[ModuleFile, str]]:
        for module in self._sorted:
            paths = [each.path for each in self._dependencies[module.name]]
            yield module, " ".join([f"{module.path}:", *paths])

    def alias(self) -> bytes:
        lines = [
            f"alias {alias} {module.name}\n"
            for module in self._sorted
            for alias in module.aliases
        ]
        return _text(["# Aliases extracted from modules themselves.\n", *lines])

    def alias_index(self) -> bytes:
        return _index(
            (alias, module.name, at)
            for at, module in enumerate(self._sorted)
            for alias in self._normalized(module.aliases)
        )

    def softdep(self) -> bytes:
        lines = [
            f"softdep {module.name} {value}\n"
            for module in self._sorted
            for key, value in module.info
            if key == "softdep"
        ]
        heading = "# Soft dependencies extracted from modules themselves.\n"
        return _text([heading, *lines])

    def symbols(self) -> bytes:
        lines = [
            f"alias symbol:{name} {self._owners[name].name}\n"
            for name in bucket_order(self._owners, SYMBOL_BUCKETS)
        ]
        return _text(["# Aliases for symbols, used by symbol_request().\n", *lines])

    def symbols_index(self) -> bytes:
        rank = {module.name: at for at, module in enumerate(self._sorted)}
        return _index(
            (f"symbol:{name}", self._owners[name].name, rank[self._owners[name].name])
            for name in bucket_order(self._owners, SYMBOL_BUCKETS)
        )

    def builtin_index(self) -> bytes:
        content = self._given.get("modules.builtin")
        if content is None:
            return b""
        names: list[str] = []
        for line in content.decode("utf-8", "surrogateescape").splitlines():
            if line[:1].isascii() and line[:1].isalpha():
                names.append(path_to_module_name(line))
            else:
                text = f"Invalid modules.builtin line: {line}\n"
                self._report(Severity.ERROR, text)
        return _index((name, "", 0) for name in names)

    def builtin_alias_index(self) -> bytes:
        content = self._given.get("modules.builtin.modinfo")
        if content is None:
            return b""
        return _index(
            (alias, name, 0)
            for name, text in _builtin_aliases(content)
            for alias in self._normalized([text])
        )

    def devname(self) -> bytes:
        lines: list[str] = []
        for module in self._sorted:
            node, number = _device_node(module.aliases)
            if node is not None and number is not None:
                lines.append(f"{module.name} {node} {number}\n")
            elif node is not None:
                self._report(
                    Severity.ERROR,
                    f"Module '{module.name}' has devname ({node}) but lacks major and "
                    "minor information. Ignoring.",
                )
        heading = ["# Device nodes to trigger on-demand module loading.\n"]
        return _text((heading if lines else []) + lines)

    def _normalized(self, aliases: Iterable[str]) -> Iterator[str]:
        # As look-ups spell them; those with an unmatched bracket are left out.
        for alias in aliases:
            try:
                yield normalize_alias(alias)
            except ValueError:
                self._report(Severity.WARNING, f"Unmatched bracket in {alias}")


def _builtin_aliases(content: bytes) -> Iterator[tuple[str, str]]:
    # (module, alias) of every "module.alias=text" in modules.builtin.modinfo.
    for text in content.decode("utf-8", "surrogateescape").split("\0"):
        module, dot, rest = text.partition(".")
        key, equals, value = rest.partition("=")
        if dot and equals and key == "alias" and module and value:
            yield module, value


def _device_node(aliases: Iterable[str]) -> tuple[str | None, str | None]:
    # ("node", "c10:196") from an alias "devname:node" and one with the numbers.
    # Source: tools/depmod.c output_devname().
    node: str | None = None
    number: str | None = None
    for alias in aliases:
        if alias.startswith("devname:"):
            node = alias.removeprefix("devname:")
        elif found := _DEVICE_NUMBER.match(alias):
            number = f"{found[1][0]}{_unsigned(found[2])}:{_unsigned(found[3])}"
        if node is not None and number is not None:
            break
    return node, number


def _unsigned(digits: str) -> int:
    # As sscanf("%u") stores it.
    return int(digits) & 0xFFFFFFFF


def _text(lines: Iterable[str]) -> bytes:
    return "".join(lines).encode("utf-8", "surrogateescape")


def _index(entries: Iterable[Entry]) -> bytes:
    # The binary index; depmod refuses what is not ASCII.
    try:
        return build(entries)
    except UnicodeEncodeError as exc:
        raise UsageError(f"only ASCII can be indexed: {exc.object!r}") from exc
