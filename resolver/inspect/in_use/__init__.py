"""The uses that would end if a device lost its driver. Only reads.

The rule: everything that the kernel removes together with the device, at any depth, and
every user of any part of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from resolver.device import Device
from resolver.inspect.in_use.belongings import Belongings, belongings_of
from resolver.inspect.in_use.blocks import block_users
from resolver.inspect.in_use.functions import console_users, function_users
from resolver.inspect.in_use.interfaces import interface_users
from resolver.inspect.in_use.nodes import has_nodes, node_users
from resolver.inspect.in_use.use import Use
from resolver.inspect.visibility import processes_are_visible, unseen
from resolver.linux import Host

__all__ = ["Use", "uses_of"]

_SOME_HIDDEN = "open files of some processes are not readable"


def uses_of(host: Host, device: Device) -> Iterator[Use]:
    """Yield the uses of a device, the worst to lose first.

    A device without a driver can have the framebuffer of the console in its memory, and
    a display server on it.
    """
    if device.binding.driver is None:
        yield from console_users(host, device)
    belongings = belongings_of(host, device)
    yield from block_users(host, belongings)
    yield from interface_users(host, belongings)
    yield from node_users(host, device, belongings)
    if device.binding.driver is not None:
        yield from function_users(host, device, belongings)
        yield from console_users(host, device)
    yield from _unknown_users(host, device, belongings)


def _unknown_users(host: Host, device: Device, belongings: Belongings) -> Iterator[Use]:
    if not has_nodes(host, device, belongings) or processes_are_visible(host):
        return
    reasons = "; ".join(one.text for one in unseen(host)) or _SOME_HIDDEN
    yield Use(
        "use-unknown",
        f"it is not known which processes have its nodes open: {reasons}",
    )
