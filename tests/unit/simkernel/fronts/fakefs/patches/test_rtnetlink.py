"""Addresses that the routing netlink answers."""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Iterator
from errno import EOPNOTSUPP

import pytest

from simkernel.filesystems.added import Address
from simkernel.fronts.fakefs.host import simulated
from simkernel.fronts.fakefs.patches.rtnetlink import answers
from simkernel.host.boot import boot_host
from simkernel.scenario.render import parse

HOST = """
kernel: {release: 6.12.0}
addresses:
  - {interface: eth0, address: 192.0.2.5/24}
  - {interface: eth1, address: 198.51.100.7/25}
  - {interface: eth0, address: "2001:db8::5/64"}
"""
LOOPBACK = (Address("lo", "127.0.0.1/8"),)


def request(family: int, kind: int = 22) -> bytes:
    """Return a request for all addresses of a family."""
    body = struct.pack("=BBBBI", family, 0, 0, 0, 0)
    return struct.pack("=IHHII", 16 + len(body), kind, 0x301, 9, 0) + body


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield type and body of each message."""
    while len(data) >= 16:
        size, kind = struct.unpack_from("=IH", data)
        yield kind, data[16:size]
        data = data[(size + 3) & ~3 :]


def addresses(data: bytes) -> Iterator[tuple[int, int, dict[int, bytes]]]:
    """Yield prefix length, scope and attributes of each address."""
    for kind, body in messages(data):
        if kind == 20:
            yield body[1], body[3], dict(attributes(body[8:]))


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield type and value of each attribute."""
    while len(data) >= 4:
        size, kind = struct.unpack_from("=HH", data)
        yield kind, data[4:size]
        data = data[(size + 3) & ~3 :]


def dump(family: int) -> bytes:
    """Return what the kernel sends up to the end of a dump."""
    data = b""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as channel:
        channel.settimeout(5)
        channel.sendto(request(family), (0, 0))
        while not any(kind == 3 for kind, _ in messages(data)):
            data += channel.recv(1 << 16)
    return data


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        (socket.AF_INET, ["192.0.2.5", "198.51.100.7"]),
        (socket.AF_INET6, ["2001:db8::5"]),
        (socket.AF_UNSPEC, ["192.0.2.5", "198.51.100.7", "2001:db8::5"]),
    ],
)
def test_socket_answers_with_the_addresses(family: int, expected: list[str]) -> None:
    """Of the family that the request names."""
    with simulated(boot_host(parse(HOST))):
        found = list(addresses(dump(family)))

    assert [str(ipaddress.ip_address(one[2][1])) for one in found] == expected


def test_host_without_addresses_answers_with_none() -> None:
    """The dump ends at once."""
    with simulated(boot_host(parse("kernel: {release: 6.12.0}"))):
        assert list(addresses(dump(socket.AF_UNSPEC))) == []


@pytest.mark.real
def test_loopback_address_is_as_the_real_kernel_sends_it() -> None:
    """Prefix length, scope, address, local address and label are the same."""
    real = [one for one in addresses(dump(socket.AF_INET)) if one[2][3] == b"lo\0"]
    ours = list(addresses(b"".join(answers(request(socket.AF_INET), LOOPBACK))))

    assert [
        (*head, {kind: found[kind] for kind in (1, 2, 3)}) for *head, found in real
    ] == ours


def test_other_requests_fail() -> None:
    """As in a kernel without a handler for them."""
    ((kind, body),) = messages(b"".join(answers(request(0, kind=18), ())))

    assert kind == 2
    assert struct.unpack_from("=i", body) == (-EOPNOTSUPP,)
