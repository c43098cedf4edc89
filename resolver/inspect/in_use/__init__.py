"""Who uses a device, and so would lose it with its driver. Only reads."""

from __future__ import annotations

from collections.abc import Iterator

from resolver.device import Device
from resolver.inspect.in_use.blocks import block_users
from resolver.inspect.in_use.functions import function_users
from resolver.inspect.in_use.interfaces import interface_users
from resolver.inspect.in_use.nodes import node_users
from resolver.inspect.in_use.parts import parts_of
from resolver.inspect.in_use.use import Use
from resolver.linux import Host

__all__ = ["Use", "uses_of"]


def uses_of(host: Host, device: Device) -> Iterator[Use]:
    """Yield what a bound device is in use for, the worst to lose first."""
    parts = parts_of(host, device)
    yield from block_users(host, parts)
    yield from interface_users(host, parts)
    yield from node_users(host, device, parts)
    yield from function_users(host, device)
