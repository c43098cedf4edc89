"""Check that the kernel can load and find the module."""

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
    reason="The kernel does not load a VFIO driver with a non-GPL license.",
    rule="vfio-pci-core exports all its symbols with EXPORT_SYMBOL_GPL.",
    source="Linux, include/linux/license.h, license_is_gpl_compatible()",
    remedy='Add MODULE_LICENSE("GPL"), if this is the license of the source.',
)
_MAGIC: Final = Check(
    id="vermagic",
    severity="error",
    reason="The kernel refuses the module: Exec format error.",
    rule="vermagic must equal that of the kernel. If both have CONFIG_MODVERSIONS, "
    "only the part after the release must be equal.",
    source="Linux, kernel/module/version.c, same_magic()",
    remedy="Build the module against the headers of this kernel.",
    needs_kernel=True,
)
_RELEASE: Final = Check(
    id="other-release",
    severity="warning",
    reason="The kernel loads a module of another release only if none of its symbols "
    "has changed.",
    rule="With CONFIG_MODVERSIONS the kernel ignores the release in vermagic and "
    "compares symbol versions.",
    source="Linux, kernel/module/version.c, check_version() and same_magic()",
    remedy="Build the module against the headers of this kernel.",
    needs_kernel=True,
)
_UNSIGNED: Final = Check(
    id="unsigned",
    severity="note",
    reason="A locked-down kernel loads only signed modules. Other kernels get tainted.",
    rule="module.sig_enforce=1 and lockdown refuse an unsigned module.",
    source="Linux, kernel/module/signing.c, module_sig_check()",
    remedy="Sign the module with scripts/sign-file and a key that the kernel trusts.",
    needs_kernel=True,
)
_REFUSED: Final = Check(
    id="unsigned-refused",
    severity="error",
    reason="The kernel loads only signed modules.",
    rule="CONFIG_MODULE_SIG_FORCE refuses an unsigned module.",
    source="Linux, kernel/module/signing.c, module_sig_check()",
    remedy="Sign the module with scripts/sign-file and a key that the kernel trusts.",
    needs_kernel=True,
)
_NOT_INDEXED: Final = Check(
    id="not-indexed",
    severity="warning",
    reason="User space cannot find an alias that modules.alias lacks.",
    rule="User space reads the indexes of depmod, not the modules.",
    source="depmod(8)",
    remedy="Run depmod for this kernel.",
    needs_kernel=True,
)
CHECKS: Final = (_LICENSE, _MAGIC, _RELEASE, _UNSIGNED, _REFUSED, _NOT_INDEXED)

_COMPATIBLE: Final = frozenset(
    {"GPL", "GPL v2", "GPL and additional rights"}
    | {"Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"}
)


def check(module: Module, context: Context) -> Iterator[LintFinding]:
    """Yield reasons why a variant driver cannot be loaded or found."""
    if not module.is_variant:
        return
    if module.license is not None and module.license not in _COMPATIBLE:
        said = f"the license {module.license!r}" if module.license else "no license"
        yield _LICENSE.found(module, "", f"{module.name} has {said}")
    if context.kernel is None:
        return
    yield from _magic(module, context.kernel)
    if module.is_signed is False and context.kernel.insists_on_signature:
        release = context.kernel.release
        text = f"{module.name} is unsigned, and {release} requires signatures"
        yield _REFUSED.found(module, "", text)
    elif module.is_signed is False and context.kernel.is_signed:
        text = f"{module.name} is unsigned, unlike the modules of "
        text += context.kernel.release
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
