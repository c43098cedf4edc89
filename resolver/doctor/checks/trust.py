"""Check signatures where the kernel requires them.

Pure: facts in, findings out.
"""

from __future__ import annotations

from collections.abc import Iterator

from resolver.doctor.facts import Facts
from resolver.doctor.finding import Finding

__all__ = ["check"]


def check(facts: Facts) -> Iterator[Finding]:
    """Yield the modules that devices need and lockdown refuses.

    Source: Linux, kernel/module/signing.c, module_sig_check().
    """
    why = _why_signed_only(facts)
    if not why:
        return
    unsigned = {
        name: one.path for name, one in facts.modules.items() if one.is_signed is False
    }
    if not unsigned:
        yield Finding(
            id="signed-modules-only",
            severity="note",
            message=f"{why}: it loads only signed modules",
        )
    for name, path in sorted(unsigned.items()):
        users = tuple(one.device.name for one in facts.wanted if one.module == name)
        yield Finding(
            id="module-unsigned",
            severity="problem",
            message=f"{why}, and {path} has no signature: module {name} cannot be "
            "loaded",
            advice=(
                "sign the module: create a key, enrol it with `mokutil --import KEY`, "
                "reboot, and run the kernel's sign-file; DKMS signs by itself once its "
                "key is enrolled",
                "or install the module from the distributor of the kernel",
            ),
            devices=users,
        )


def _why_signed_only(facts: Facts) -> str:
    if facts.lockdown:
        boot = " (Secure Boot is on)" if facts.is_secure_boot else ""
        return f"the kernel is locked down for {facts.lockdown}{boot}"
    if facts.is_signature_enforced:
        return "the kernel enforces signatures (module.sig_enforce)"
    return ""
