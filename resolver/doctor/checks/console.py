"""Check whether the console of the host is on a graphics card for guests.

Pure: facts in, findings out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from resolver.doctor.facts import Facts
from resolver.doctor.finding import Finding

__all__ = ["check"]

_PARAMETERS: Final = {"efifb": "video=efifb:off", "vesafb": "video=vesafb:off"}
"""Framebuffer to the kernel parameter that turns it off.

Source: Linux, drivers/video/fbdev/efifb.c and vesafb.c, fb_get_options().
"""
_FOR_OTHERS: Final = "initcall_blacklist=sysfb_init"
"""Source: Linux, drivers/firmware/sysfb.c, sysfb_init() (since 5.15)."""


def check(facts: Facts) -> Iterator[Finding]:
    """Yield each card whose memory has a framebuffer of the console."""
    for device, names in sorted(facts.framebuffers.items()):
        parameters = dict.fromkeys(_PARAMETERS.get(n, _FOR_OTHERS) for n in names)
        yield Finding(
            id="console-framebuffer",
            severity="warning",
            message=f"the framebuffer of the console, {', '.join(names)}, is in the "
            "memory of this card: a guest would draw over it",
            advice=(
                f"add {' '.join(parameters)} to the kernel command line, and reboot",
            ),
            devices=(device,),
        )
