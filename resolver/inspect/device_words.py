"""Turn the words of a command line into devices. Only reads.

A word selects one device, or several if its form allows it: a glob pattern, or one of
the prefixes ``class:``, ``id:`` and ``vfs:``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from resolver.device import (
    Device,
    InterfaceName,
    PciAddress,
    SysfsPath,
    VendorDevice,
    parse_kind,
    parse_spelling,
)
from resolver.errors import NotFoundError, ResolverError, UsageError
from resolver.inspect.devices import LIST_DEVICES, ReadDevice, all_devices, read_device
from resolver.linux import Host
from resolver.matching.device_class import class_prefix
from resolver.matching.glob import compile_pattern
from resolver.suggest import did_you_mean

__all__ = ["Found", "find_device", "find_devices"]

Found = tuple[str, "Device | ResolverError"]
"""A word, or the name of a device that it selects; the device, or the error."""

_WILD = frozenset("*?[")


def find_device(host: Host, text: str) -> Device:
    """Return the one device that a text names.

    :param text: any spelling that ``device.parse_spelling`` knows.
    :raises UsageError: the text spells no device, or matches several devices.
    :raises NotFoundError: the host has no such device.
    """
    spelling = parse_spelling(text)
    if isinstance(spelling, PciAddress):
        return read_device(host, "pci", str(spelling))
    if isinstance(spelling, VendorDevice):
        return _only_one_of_kind(host, spelling)
    if isinstance(spelling, SysfsPath):
        path = f"{host.sys}{spelling.path.removeprefix('/sys')}"
        return _device_at(host, path, "no such device", LIST_DEVICES)
    assert isinstance(spelling, InterfaceName)
    interfaces = f"{host.sys}/class/net"
    hint = did_you_mean(spelling.name, host.names(interfaces), LIST_DEVICES)
    path = f"{interfaces}/{spelling.name}/device"
    return _device_at(host, path, "no such network interface", hint)


def find_devices(
    host: Host, words: Iterable[str], read: ReadDevice = read_device
) -> Iterator[Found]:
    """Yield the devices that words select, each once.

    A word that selects several devices skips bridges: no VFIO driver binds them.

    :param read: function that reads the devices of a word that selects several.
    :raises UsageError: a word spells no device, or matches several devices but its
        form selects one.
    """
    seen = set()
    for word in words:
        for text, device in _expanded(host, word, read):
            if isinstance(device, Device):
                if (device.bus, device.name) in seen:
                    continue
                seen.add((device.bus, device.name))
            yield text, device


def _only_one_of_kind(host: Host, kind: VendorDevice) -> Device:
    devices = [d for d in all_devices(host) if d.vendor_device == kind.text]
    if not devices:
        raise NotFoundError("no device has this vendor:device id", hint=LIST_DEVICES)
    if len(devices) > 1:
        names = ", ".join(device.name for device in devices)
        raise UsageError(
            f"{kind.text} matches {len(devices)} devices: {names}",
            hint=f"name one by its address, or select all with id:{kind.text}",
        )
    return devices[0]


# The nearest device at or above a path that has driver_override: above a virtio
# interface this is the PCI function.
def _device_at(host: Host, path: str, problem: str, hint: str) -> Device:
    at = host.real_path(path)
    root = host.real_path(host.sys)
    while host.is_there(at) and at.startswith(f"{root}/"):
        if host.is_there(f"{at}/driver_override"):
            bus = host.link_name(f"{at}/subsystem")
            if bus is not None:
                return read_device(host, bus, at.rpartition("/")[2])
        at = at.rpartition("/")[0]
    raise NotFoundError(problem, hint=hint)


def _expanded(host: Host, word: str, read: ReadDevice) -> Iterator[Found]:
    form, colon, rest = word.partition(":")
    several = _FORMS.get(form) if colon else None
    try:
        if several is not None:
            devices = list(several(host, rest, read))
        elif _WILD.intersection(word):
            devices = list(_matching(host, word))
        else:
            yield word, find_device(host, word)
            return
    except NotFoundError as error:
        yield word, error
        return
    devices = [device for device in devices if not device.is_bridge]
    if not devices:
        yield word, NotFoundError("no device matches", hint=LIST_DEVICES)
    for device in devices:
        yield device.name, device


# A pattern matches addresses, with or without the domain, and interface names.
def _matching(host: Host, word: str) -> Iterator[Device]:
    matches = _matcher(word)
    for device in all_devices(host):
        short = device.name.removeprefix("0000:")
        if any(matches(name) for name in (device.name, short, *device.interfaces)):
            yield device


def _matcher(word: str) -> Callable[[str], bool]:
    if "/" in word or "\n" in word:
        raise UsageError(
            f"invalid device pattern {word!r}: it contains a slash or a newline"
        )
    pattern = compile_pattern(word)
    return lambda name: pattern.fullmatch(name) is not None


def _of_class(host: Host, text: str, read: ReadDevice) -> Iterator[Device]:
    prefix = class_prefix(text)
    for device in all_devices(host, read=read):
        if (device.device_class or "").startswith(prefix):
            yield device


def _of_kind(host: Host, text: str, read: ReadDevice) -> Iterator[Device]:
    wanted = parse_kind(text)
    return (d for d in all_devices(host, read=read) if d.vendor_device == wanted)


# Without the physical function: vfio-pci cannot use it while its VFs are enabled.
def _virtual_functions(host: Host, word: str, read: ReadDevice) -> Iterator[Device]:
    physical = find_device(host, word)
    path = f"{host.sys}/bus/{physical.bus}/devices/{physical.name}"
    links = [name for name in host.names(path) if name.startswith("virtfn")]
    if not links:
        raise NotFoundError(f"{physical} has no enabled virtual functions")
    for link in sorted(links, key=lambda name: (len(name), name)):
        name = host.link_name(f"{path}/{link}")
        if name is not None:
            yield read(host, physical.bus, name)


_FORMS: dict[str, Callable[[Host, str, ReadDevice], Iterator[Device]]] = {
    "class": _of_class,
    "id": _of_kind,
    "vfs": _virtual_functions,
}
