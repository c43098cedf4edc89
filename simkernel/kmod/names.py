"""Normalize module names and aliases, as kmod does."""

from __future__ import annotations

__all__ = [
    "has_module_suffix",
    "normalize_alias",
    "normalize_module_name",
    "path_to_module_name",
]

# gzip is left out: Debian builds kmod without zlib.
_SUFFIXES = (".ko", ".ko.xz", ".ko.zst")


def normalize_alias(text: str) -> str:
    """Return an alias with ``_`` for ``-`` outside brackets.

    :raises ValueError: a bracket has no partner.

    Source: libkmod shared/util.c alias_normalize(), underscores().
    """
    if "[" not in text and "]" not in text:
        return text.replace("-", "_")
    parts: list[str] = []
    rest = text
    while rest:
        head, bracket, tail = rest.partition("[")
        if "]" in head:
            raise ValueError(f"unmatched bracket in {text!r}")
        parts.append(head.replace("-", "_"))
        if not bracket:
            break
        inside, closing, rest = tail.partition("]")
        if not closing:
            raise ValueError(f"unmatched bracket in {text!r}")
        parts.append(f"[{inside}]")
    return "".join(parts)


def normalize_module_name(name: str) -> str:
    """Return a name up to its first dot, with ``_`` for ``-``.

    Source: libkmod shared/util.c modname_normalize().
    """
    return name.partition(".")[0].replace("-", "_")


def path_to_module_name(path: str) -> str:
    """Return the module name of a ``.ko`` file.

    Source: libkmod shared/util.c path_to_modname().
    """
    return normalize_module_name(path.rpartition("/")[2])


def has_module_suffix(path: str) -> bool:
    """Tell whether a path has the suffix of a module file.

    Source: libkmod shared/util.c path_ends_with_kmod_ext().
    """
    return any(path.endswith(end) and len(path) > len(end) for end in _SUFFIXES)
