"""Set the owner of a device's nodes in ``/dev/vfio``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from resolver.device import Device
from resolver.errors import FailedError, NotUndoneError, UsageError
from resolver.inspect.devices import place_of
from resolver.linux import Host
from resolver.linux.ownership import (
    Owner,
    change_owner,
    group_number,
    owner_of,
    user_number,
)
from resolver.options import Grant

__all__ = ["OwnedNode", "parse_grant", "restore_owners", "set_owner"]

_UDEV_S = 5.0
_GROUP_BITS = 0o060


class OwnedNode(NamedTuple):
    """A node whose owner changed."""

    path: str
    before: Owner
    after: Owner


def parse_grant(user: str | None, group: str | None) -> Grant | None:
    """Return the new owner; ``None``: unchanged.

    :param user: number or name; likewise ``group``.
    :raises UsageError: the name is unknown, or the number is invalid.
    """
    if user is None and group is None:
        return None
    return Grant(
        None if user is None else _number(user, "user", user_number(user)),
        None if group is None else _number(group, "group", group_number(group)),
    )


def set_owner(
    host: Host, device: Device, grant: Grant, timeout_s: float
) -> tuple[OwnedNode, ...]:
    """Set the owner of a bound device's nodes, and return the changed ones.

    The nodes are that of the IOMMU group, which its members share, and the device's own
    where the kernel makes one. Each changes as soon as it exists and udev, which may
    set its owner, is idle. The kernel removes the nodes when the device is unbound.

    :param device: the device after the bind.
    :raises FailedError: a node does not appear, or cannot be changed; all are rolled
        back.
    :raises NotUndoneError: some nodes are not rolled back.

    Source: Linux, drivers/vfio/group.c, whose class ``vfio`` has a device for each
    node, and device_cdev.c; systemd, ``/run/udev/queue``.
    """
    paths = tuple(_nodes(host, device))
    _wait_for(host, paths, min(_UDEV_S, timeout_s))
    given: list[OwnedNode] = []
    try:
        for path in paths:
            _give(path, grant, given)
    except BaseException as problem:
        problems = _put_back(given)
        if problems:
            raise NotUndoneError(_reason(problem), problems=problems) from problem
        if isinstance(problem, OSError):
            is_root = not isinstance(problem, PermissionError)
            raise FailedError(
                _reason(problem),
                hint="" if is_root else "run as root",
                errno=problem.errno or 0,
            ) from problem
        raise
    return tuple(given)


def _wait_for(host: Host, paths: Sequence[str], timeout_s: float) -> None:
    """Wait until the nodes exist and udev is idle.

    :raises FailedError: a node does not appear.
    """

    def is_ready() -> bool:
        return all(map(host.is_there, paths)) and not host.is_there(
            f"{host.run}/udev/queue"
        )

    if not host.wait(is_ready, timeout_s):
        missing = [path for path in paths if not host.is_there(path)]
        if missing:
            raise FailedError(f"{missing[0]} did not appear within {timeout_s:g} s")


def restore_owners(given: Sequence[OwnedNode]) -> None:
    """Restore the previous owner of nodes.

    :raises NotUndoneError: some nodes are not restored.
    """
    problems = _put_back(given)
    if problems:
        raise NotUndoneError("cannot restore the owner of a node", problems=problems)


def _nodes(host: Host, device: Device) -> Iterator[str]:
    for name in (device.iommu_group, f"noiommu-{device.iommu_group}"):
        if device.iommu_group and host.is_there(f"{host.sys}/class/vfio/{name}"):
            yield f"{host.dev}/vfio/{name}"
    own = device.vfio_device
    path = f"{place_of(host, device)}/vfio-dev/{own}/dev"
    if own is not None and host.is_there(path):
        yield f"{host.dev}/vfio/devices/{own}"


def _give(path: str, grant: Grant, given: list[OwnedNode]) -> None:
    before = owner_of(path)
    if before is None:
        raise FailedError(f"{path} is gone: the device was unbound")
    after = Owner(
        before.mode | (_GROUP_BITS if grant.gid is not None else 0),
        before.uid if grant.uid is None else grant.uid,
        before.gid if grant.gid is None else grant.gid,
    )
    if after == before:
        return
    given.append(OwnedNode(path, before, after))
    change_owner(path, after)
    now = owner_of(path)
    if now != after:
        raise FailedError(f"another process changed the owner of {path}")


def _put_back(given: Sequence[OwnedNode]) -> tuple[str, ...]:
    problems = []
    for node in reversed(given):
        try:
            if owner_of(node.path) not in (None, node.before):
                change_owner(node.path, node.before)
        except OSError as problem:
            problems.append(_reason(problem))
    return tuple(problems)


def _number(text: str, what: str, found: int | None) -> int:
    if found is None:
        raise UsageError(f"unknown {what} {text!r}")
    return found


def _reason(problem: BaseException) -> str:
    if isinstance(problem, OSError):
        return f"cannot change the owner of {problem.filename}: {problem.strerror}"
    return str(problem) or "interrupted"
