"""Specs of modules that the scenario does not describe.

The kernel loads them with their parameters and users; they have no drivers.
"""

from __future__ import annotations

from simkernel.kmod.elf import ModuleImage
from simkernel.model.modules.spec import ModuleSpec, ParameterSpec

__all__ = ["foreign_module"]

_TYPES = {"bool": "bool", "charp": "charp", "string": "charp", "uint": "uint"}
"""Types of parameters that are not numbers; other parameters are ``int``."""
_DEFAULTS = {"bool": "N", "charp": "(null)"}
_INFO = ("license", "description", "author", "version", "srcversion")


def foreign_module(name: str, image: bytes) -> ModuleSpec:
    """Return the spec of a module, read from its ``.modinfo``.

    :param name: as the file declares it.
    :raises OSError: as ``ModuleImage``.
    """
    pairs = ModuleImage(image).modinfo()
    depends = next((text for key, text in pairs if key == "depends"), "")
    in_tree = any(key == "intree" for key, _ in pairs)
    types = [text.partition(":") for key, text in pairs if key == "parmtype"]
    return ModuleSpec(
        name=name,
        path=f"{'kernel' if in_tree else 'extra'}/{name}.ko",
        aliases=tuple(text for key, text in pairs if key == "alias"),
        depends=tuple(one.replace("-", "_") for one in depends.split(",") if one),
        parameters=tuple(_parameter(name, kind) for name, _, kind in types),
        info=tuple(pair for pair in pairs if pair[0] in _INFO),
    )


def _parameter(name: str, kind: str) -> ParameterSpec:
    type_ = _TYPES.get(kind, "int")
    default = _DEFAULTS.get(type_, "0")
    return ParameterSpec(name=name, type=type_, default=default, mode=0o444)
