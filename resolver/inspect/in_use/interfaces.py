"""Network interfaces that carry traffic of this host, or belong to something larger.

Source: Linux, Documentation/ABI/testing/sysfs-class-net; proc(5), ``/proc/net/route``
and ``/proc/net/if_inet6``; net/ipv6/route.c, rt6_info_route(); net/packet/af_packet.c,
packet_seq_show(); drivers/net/ppp/pppoe.c, pppoe_seq_show().
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from resolver.inspect.in_use.belongings import Belongings, Part
from resolver.inspect.in_use.use import Use
from resolver.linux import Host

__all__ = ["interface_users"]

_UP = 1
_KINDS = {"bonding": "bond", "bridge": "bridge"}
"""Directory that a master has, and what it is called."""


def interface_users(host: Host, belongings: Belongings) -> Iterator[Use]:
    """Yield the uses of a device's network interfaces."""
    for part in belongings.of("net"):
        texts = (*_masters(host, part), *_traffic(host, part), *_sockets(host, part))
        yield from (Use("network-in-use", text) for text in texts)
    for kind in belongings.elsewhere:
        yield Use(
            "network-in-use",
            f"its {_DEVICES[kind]} is in another network namespace, such as a "
            "container's",
        )


_DEVICES = {
    "ieee80211": "wireless device",
    "infiniband": "RDMA device",
    "net": "network interface",
}
"""Class to the word for its devices."""


def _masters(host: Host, part: Part) -> Iterator[str]:
    master = host.link_name(f"{part.path}/master")
    if master is not None:
        path = f"{host.sys}/class/net/{master}"
        kinds = [
            text for name, text in _KINDS.items() if host.is_there(f"{path}/{name}")
        ]
        yield f"{part.name} is a member of {kinds[0] if kinds else 'master'} {master}"
    for name in host.names(part.path):
        upper = name.removeprefix("upper_")
        if upper not in (name, master):
            yield f"{upper} is on top of {part.name}"


def _traffic(host: Host, part: Part) -> Iterator[str]:
    flags = host.attribute(f"{part.path}/flags") or "0"
    if not _number(flags) & _UP:
        return
    routes = [r for r in _routes(host, part.name) if r is not None]
    for route in dict.fromkeys(routes):
        yield f"{part.name} carries {route}"
    addresses = (*host.ipv4_addresses(part.name), *_ipv6_addresses(host, part.name))
    for address in addresses:
        yield f"{part.name} is up and has the address {address}"


# A packet socket, as of tcpdump or a DHCP client, and a PPPoE session need no address.
def _sockets(host: Host, part: Part) -> Iterator[str]:
    index = host.attribute(f"{part.path}/ifindex")
    for words in _rows(host, "packet"):
        if len(words) > 8 and words[4] == index and index not in (None, "0"):
            users = host.open_files().users_of_socket(words[8])
            owner = ", ".join(map(str, users)) or "a process"
            yield f"{owner} has a packet socket on {part.name}"
    for words in _rows(host, "pppoe"):
        if len(words) > 2 and words[2] == part.name:
            yield f"{part.name} carries a PPPoE session"


def _routes(host: Host, name: str) -> Iterator[str | None]:
    for words in _rows(host, "route"):
        if len(words) > 7 and words[0] == name:
            yield _ipv4_route(words[1], words[7])
    for words in _rows(host, "ipv6_route"):
        if len(words) > 9 and words[9] == name:
            yield _ipv6_route(words[0], words[1])


# The kernel prints the bytes of the address as a number of the machine; all that
# VFIO is on are little-endian.
def _ipv4_route(address: str, mask: str) -> str | None:
    try:
        number = int.from_bytes(bytes.fromhex(address), "little")
        length = int.from_bytes(bytes.fromhex(mask), "little").bit_count()
        network = ipaddress.IPv4Network((number, length), strict=False)
    except ValueError:
        return None
    return _named(network)


# Every interface that is up has routes to its neighbours, and to all listeners.
def _ipv6_route(address: str, length: str) -> str | None:
    try:
        number, bits = int(address, 16), int(length, 16)
        network = ipaddress.IPv6Network((number, bits), strict=False)
    except ValueError:
        return None
    if network.is_link_local or network.is_multicast:
        return None
    return _named(network)


def _named(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    return f"the route to {network}" if network.prefixlen else "the default route"


def _ipv6_addresses(host: Host, name: str) -> Iterator[str]:
    for words in _rows(host, "if_inet6"):
        if len(words) < 6 or words[5] != name:
            continue
        try:
            address = ipaddress.IPv6Address(int(words[0], 16))
        except ValueError:
            continue
        if not address.is_link_local:
            yield str(address)


def _rows(host: Host, name: str) -> Iterator[list[str]]:
    for line in host.text(f"{host.proc}/net/{name}").splitlines():
        yield line.split()


def _number(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        return 0
