"""Write and read the pairs of ``.modinfo``.

The same pairs, with ``module.`` before each key, fill ``modules.builtin.modinfo``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from simkernel.model.modules.spec import ModuleSpec

__all__ = ["builtin_pairs", "join_modinfo", "loadable_pairs", "split_modinfo"]

Pair = tuple[str, str]


def loadable_pairs(
    spec: ModuleSpec, *, depends: Sequence[str], vermagic: str
) -> list[Pair]:
    """Return the pairs of a ``.ko`` file in build order.

    :param depends: the loadable ones among the modules that it uses.
    :param vermagic: text that the kernel compares with its own.

    Source: include/linux/moduleparam.h, scripts/mod/modpost.c; order observed in
    modules of Linux 6.12, where the compiler turns declarations round.
    """
    pairs = [pair for pair in spec.info if pair[0] != "srcversion"]
    pairs += _parameter_pairs(spec)
    pairs += [("softdep", text) for text in spec.softdeps]
    pairs += [("alias", text) for text in spec.aliases]
    pairs += [pair for pair in spec.info if pair[0] == "srcversion"]
    pairs.append(("depends", ",".join(depends)))
    if spec.path.startswith("kernel/"):
        pairs.append(("intree", "Y"))
    return [*pairs, ("name", spec.name), ("retpoline", "Y"), ("vermagic", vermagic)]


def builtin_pairs(spec: ModuleSpec, aliases: Sequence[str]) -> list[Pair]:
    """Return the pairs of a built-in module.

    :param aliases: those of its aliases that the build keeps.

    Source: include/linux/module.h MODULE_FILE; order observed in Linux 6.12.
    """
    pairs: list[Pair] = []
    for key, value in spec.info:
        pairs.append((key, value))
        if key == "license":
            directory = spec.path.removeprefix("kernel/").removesuffix(".ko")
            pairs.append(("file", directory))
    pairs += _parameter_pairs(spec)
    pairs += [("softdep", text) for text in spec.softdeps]
    return pairs + [("alias", text) for text in aliases]


def _parameter_pairs(spec: ModuleSpec) -> Iterable[Pair]:
    # Last declared first, its description before its type.
    for parameter in reversed(spec.parameters):
        if parameter.description:
            yield "parm", f"{parameter.name}:{parameter.description}"
        yield "parmtype", f"{parameter.name}:{parameter.type}"


def join_modinfo(pairs: Iterable[Pair]) -> bytes:
    """Return a ``.modinfo`` section of NUL-terminated pairs."""
    texts = (f"{key}={value}\0" for key, value in pairs)
    return "".join(texts).encode("utf-8", "surrogateescape")


def split_modinfo(section: bytes) -> list[Pair]:
    """Return the pairs of a ``.modinfo`` section.

    A text without ``=`` has itself as key and an empty value; padding between texts
    is skipped; the last text may lack its NUL.

    Source: libkmod-elf.c kmod_elf_get_strings(), libkmod-module.c
    kmod_module_get_info().
    """
    texts = section.decode("utf-8", "surrogateescape").split("\0")
    pairs = (text.partition("=") for text in texts if text)
    return [(key, value) for key, _, value in pairs]
