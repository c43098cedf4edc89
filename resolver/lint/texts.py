"""Modules from modinfo output and ``modules.alias``. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from resolver.errors import UsageError
from resolver.lint.module import Alias, Binary, Module
from resolver.matching.alias_files import all_aliases
from resolver.matching.modinfo import Field, printed_modules
from resolver.matching.module_lists import module_name, name_of_file

__all__ = ["module_of_fields", "modules_of_text"]

_HINT: Final = (
    "pass a module (.ko, .ko.xz, .ko.zst, .ko.gz), a modules.alias, a module "
    "directory, or the output of modinfo"
)


def modules_of_text(data: bytes, path: str) -> tuple[Module, ...]:
    """Return the modules that a text describes.

    :param path: name of the text.
    :raises UsageError: the text is neither modinfo output nor a ``modules.alias``.
    """
    text = data.decode("utf-8", "backslashreplace")
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first.startswith(("#", "alias ")):
        return _of_aliases(data, path)
    key = first.partition(":")[0]
    if ":" in first and key.replace("_", "").isalnum():
        return tuple(_of_modinfo(fields, path) for fields in printed_modules(text))
    raise UsageError(f"{path}: neither a module nor a text about modules", hint=_HINT)


def module_of_fields(
    fields: Sequence[Field],
    path: str,
    *,
    is_signed: bool | None,
    binary: Binary | None = None,
) -> Module:
    """Return the module that fields of ``.modinfo`` describe."""
    values: dict[str, list[str]] = {}
    for one in fields:
        values.setdefault(one.key, []).append(one.value)
    names = [one for text in values.get("depends", ()) for one in text.split(",")]
    return Module(
        path=path,
        name=module_name(values["name"][0]) if "name" in values else name_of_file(path),
        form="ko",
        aliases=tuple(
            Alias(one.value, one.line) for one in fields if one.key == "alias"
        ),
        depends=tuple(module_name(one) for one in names if one.strip()),
        softdeps=tuple(values.get("softdep", ())),
        license=values.get("license", [""])[0],
        vermagic=values.get("vermagic", [""])[0],
        is_signed=is_signed,
        binary=binary,
    )


def _of_aliases(data: bytes, path: str) -> tuple[Module, ...]:
    found: dict[str, list[Alias]] = {}
    for line, pattern, name in all_aliases(data):
        found.setdefault(module_name(name), []).append(Alias(pattern, line))
    return tuple(
        Module(path=path, name=name, form="modules.alias", aliases=tuple(aliases))
        for name, aliases in found.items()
    )


def _of_modinfo(fields: Sequence[Field], path: str) -> Module:
    keys = {one.key for one in fields}
    file = next((one.value for one in fields if one.key == "filename"), path)
    is_signed = "sig_id" in keys or "signature" in keys
    made = module_of_fields(fields, file, is_signed=is_signed)
    return replace(made, path=path, form="modinfo")
