"""Will the kernel load the file, and depmod know of it?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from resolver.lint.check import Check, Context, LintFinding
from resolver.lint.kernel import Kernel
from resolver.lint.module import Module

__all__ = ["CHECKS", "check"]

_LICENSE: Final = Check(
    id="license",
    severity="error",
    reason="The kernel does not load a VFIO driver with another licence.",
    rule="All symbols of vfio-pci-core are EXPORT_SYMBOL_GPL.",
    source="Linux, include/linux/license.h, license_is_gpl_compatible()",
    remedy='MODULE_LICENSE("GPL"), if the source is under it.',
)
_MAGIC: Final = Check(
    id="vermagic",
    severity="error",
    reason="The kernel refuses the module: Exec format error.",
    rule="vermagic must be that of the kernel; with CONFIG_MODVERSIONS on both sides, "
    "what follows the release.",
    source="Linux, kernel/module/version.c, same_magic()",
    remedy="Build it against the headers of that kernel.",
    needs_kernel=True,
)
_RELEASE: Final = Check(
    id="other-release",
    severity="warning",
    reason="A module for another release is loaded only if no symbol that it uses has "
    "changed since.",
    rule="With CONFIG_MODVERSIONS the release in vermagic does not count, and the sum "
    "of each symbol does.",
    source="Linux, kernel/module/version.c, check_version() and same_magic()",
    remedy="Build it against the headers of that kernel.",
    needs_kernel=True,
)
_UNSIGNED: Final = Check(
    id="unsigned",
    severity="note",
    reason="A kernel that is locked down, or told to, loads only signed modules; "
    "others are marked as tainted by it.",
    rule="module.sig_enforce=1 and lockdown refuse a module without signature.",
    source="Linux, kernel/module/signing.c, module_sig_check()",
    remedy="Sign it with scripts/sign-file and a key that the kernel trusts.",
    needs_kernel=True,
)
_REFUSED: Final = Check(
    id="unsigned-refused",
    severity="error",
    reason="The kernel loads only signed modules.",
    rule="CONFIG_MODULE_SIG_FORCE refuses a module without signature.",
    source="Linux, kernel/module/signing.c, module_sig_check()",
    remedy="Sign it with scripts/sign-file and a key that the kernel trusts.",
    needs_kernel=True,
)
_NOT_INDEXED: Final = Check(
    id="not-indexed",
    severity="warning",
    reason="An alias that modules.alias does not have is found by nobody.",
    rule="User space reads the indexes that depmod made, not the modules.",
    source="depmod(8)",
    remedy="Run depmod for that kernel.",
    needs_kernel=True,
)
CHECKS: Final = (_LICENSE, _MAGIC, _RELEASE, _UNSIGNED, _REFUSED, _NOT_INDEXED)

_COMPATIBLE: Final = frozenset(
    {"GPL", "GPL v2", "GPL and additional rights"}
    | {"Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"}
)


def check(module: Module, context: Context) -> Iterator[LintFinding]:
    """Yield what keeps a variant from being loaded or found."""
    if not module.is_variant:
        return
    if module.license is not None and module.license not in _COMPATIBLE:
        said = f"the licence {module.license!r}" if module.license else "no licence"
        yield _LICENSE.found(module, "", f"{module.name} has {said}")
    if context.kernel is None:
        return
    yield from _magic(module, context.kernel)
    if module.is_signed is False and context.kernel.insists_on_signature:
        text = f"{module.name} has no signature, and {context.kernel.release} insists"
        yield _REFUSED.found(module, "", text)
    elif module.is_signed is False and context.kernel.is_signed:
        text = f"{module.name} has no signature; the modules of "
        text += f"{context.kernel.release} have"
        yield _UNSIGNED.found(module, "", text)
    yield from _indexed(module, context.kernel)


def _magic(module: Module, kernel: Kernel) -> Iterator[LintFinding]:
    if not module.vermagic or not kernel.vermagic or module.vermagic == kernel.vermagic:
        return
    own, own_flags = _parts(module.vermagic)
    theirs, flags = _parts(kernel.vermagic)
    has_versions = "modversions" in own_flags and "modversions" in flags
    if own_flags != flags:
        text = f"{module.name} is for {' '.join(own_flags)}; the kernel is "
        yield _MAGIC.found(module, "", f"{text}{' '.join(flags)}")
    elif own != theirs:
        check = _RELEASE if has_versions else _MAGIC
        text = f"{module.name} was built for {own}, not for {theirs}"
        yield check.found(module, "", text)


def _parts(vermagic: str) -> tuple[str, list[str]]:
    release, _, flags = vermagic.partition(" ")
    return release, flags.split()


def _indexed(module: Module, kernel: Kernel) -> Iterator[LintFinding]:
    if module.form != "ko" or not module.path.startswith(f"{kernel.directory}/"):
        return
    for alias in module.aliases:
        known = (alias.pattern, module.name) in kernel.variants
        if alias.pattern.startswith("vfio_") and not known:
            text = f"{alias.pattern} of {module.name} is not in modules.alias"
            yield _NOT_INDEXED.found(module, alias.pattern, text)
