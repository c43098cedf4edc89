"""Texts about modules: what ``modinfo`` prints, and ``modules.alias``.

Text in, ``Module``s out.

Source: kmod, tools/modinfo.c and tools/depmod.c, output_aliases().
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from resolver.errors import UsageError
from resolver.lint.module import Alias, Binary, Module, plain
from resolver.matching.alias_files import module_name

__all__ = ["alias_lines", "module_of_fields", "modules_of_text"]

_HINT: Final = (
    "it can be a module (.ko, .ko.xz, .ko.zst, .ko.gz), a modules.alias, a module "
    "directory, or what modinfo prints"
)


def modules_of_text(text: str, path: str) -> tuple[Module, ...]:
    """Return the modules that a text is about.

    :param path: what the text is called.
    :raises UsageError: it is neither what modinfo prints nor a ``modules.alias``.
    """
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first.startswith(("#", "alias ")):
        return _of_aliases(text, path)
    key = first.partition(":")[0]
    if ":" in first and key.replace("_", "").isalnum():
        return tuple(_of_modinfo(text, path))
    raise UsageError(f"{path}: not a text about modules", hint=_HINT)


def module_of_fields(
    fields: Iterable[tuple[str, str]],
    path: str,
    *,
    is_signed: bool | None,
    binary: Binary | None = None,
) -> Module:
    """Return the module whose ``.modinfo`` has some fields.

    :param fields: keys and values in the order of the file.
    """
    values: dict[str, list[str]] = {}
    for key, value in fields:
        values.setdefault(key, []).append(value)
    names = [one for text in values.get("depends", ()) for one in text.split(",")]
    return Module(
        path=path,
        name=plain(values.get("name", [module_name(path)])[0]),
        form="ko",
        aliases=tuple(map(Alias, values.get("alias", ()))),
        depends=tuple(plain(one) for one in names if one.strip()),
        softdeps=tuple(values.get("softdep", ())),
        license=values.get("license", [""])[0],
        vermagic=values.get("vermagic", [""])[0],
        is_signed=is_signed,
        binary=binary,
    )


def alias_lines(text: str) -> Iterable[tuple[int, str, str]]:
    """Yield number, pattern and module of each line of a ``modules.alias``."""
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if len(words) == 3 and words[0] == "alias":
            yield number, words[1], words[2]


def _of_aliases(text: str, path: str) -> tuple[Module, ...]:
    found: dict[str, list[Alias]] = {}
    for number, pattern, name in alias_lines(text):
        found.setdefault(plain(name), []).append(Alias(pattern, number))
    return tuple(
        Module(path=path, name=name, form="modules.alias", aliases=tuple(aliases))
        for name, aliases in found.items()
    )


# One module begins where a "filename:" does.
def _of_modinfo(text: str, path: str) -> Iterable[Module]:
    fields: list[tuple[str, str, int]] = []
    for number, line in enumerate(text.splitlines(), 1):
        key, is_field, value = line.partition(":")
        if not is_field or line[:1].isspace():
            continue  # the rest of a value of several lines: a signature, mostly
        if key == "filename" and fields:
            yield _described(fields, path)
            fields = []
        fields.append((key, value.strip(), number))
    yield _described(fields, path)


def _described(fields: Sequence[tuple[str, str, int]], path: str) -> Module:
    keys = {key for key, _, _ in fields}
    file = next((value for key, value, _ in fields if key == "filename"), path)
    made = module_of_fields(
        [(key, value) for key, value, _ in fields],
        file,
        is_signed="sig_id" in keys or "signature" in keys,
    )
    return Module(
        path=path,
        name=made.name,
        form="modinfo",
        aliases=tuple(
            Alias(text, line) for key, text, line in fields if key == "alias"
        ),
        depends=made.depends,
        softdeps=made.softdeps,
        license=made.license,
        vermagic=made.vermagic,
        is_signed=made.is_signed,
    )
