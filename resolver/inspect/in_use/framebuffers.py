"""Framebuffers that the firmware left in the memory of a graphics card.

The kernel's console, or a display server, draws there although no driver has the card.
Source: Linux, drivers/firmware/sysfb_simplefb.c, sysfb_create_simplefb(), the resource
``BOOTFB``; drivers/video/fbdev/efifb.c and vesafb.c; drivers/gpu/drm/sysfb.
"""

from __future__ import annotations

import re

from resolver.linux import Host

__all__ = ["framebuffers_in"]

_NAMES = re.compile(
    r"BOOTFB|efifb|vesafb|simplefb|simple-framebuffer(\.[0-9]+)?|(simple|efi|vesa)drm.*"
)


def framebuffers_in(host: Host, function: str) -> tuple[str, ...]:
    """Return the names of the framebuffers in the memory of a PCI function.

    :param function: its address. Users without rights see no addresses of memory, but
        which resource is part of which.

    Source: Linux, kernel/resource.c, r_show().
    """
    text = host.text(f"{host.proc}/iomem")
    above: list[tuple[int, str]] = []
    found = []
    for line in text.splitlines():
        depth = len(line) - len(line.lstrip(" "))
        name = line.partition(" : ")[2].strip()
        while above and above[-1][0] >= depth:
            above.pop()
        if _NAMES.fullmatch(name) and any(one == function for _, one in above):
            found.append(name)
        above.append((depth, name))
    return tuple(found)
