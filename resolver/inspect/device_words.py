"""From the words on a command line to devices: one a word, or many.

Only reads. A word that can fit several devices says so by its form: a pattern, or one
of ``class:``, ``id:`` and ``vfs:`` in front.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from resolver.device import Device, parse_kind
from resolver.errors import NotFoundError, ResolverError, UsageError
from resolver.inspect.devices import Look, all_devices, read_device
from resolver.inspect.kinds import class_prefix
from resolver.inspect.spelling import find_device
from resolver.linux import Host
from resolver.matching.glob import compile_pattern

__all__ = ["Found", "find_devices"]

Found = tuple[str, "Device | ResolverError"]
"""A word, or the name of a device that it stands for; and the device, or why not."""

_WILD = frozenset("*?[")


def find_devices(
    host: Host, words: Iterable[str], look: Look = read_device
) -> Iterator[Found]:
    """Yield the devices that words stand for, each once.

    Bridges are left out where a word fits several: no VFIO driver takes one.

    :param look: reads those that a word fits by the dozen.
    :raises UsageError: a word is no device, or fits several without saying so.
    """
    seen = set()
    for word in words:
        for text, device in _expanded(host, word, look):
            if isinstance(device, Device):
                if (device.bus, device.name) in seen:
                    continue
                seen.add((device.bus, device.name))
            yield text, device


def _expanded(host: Host, word: str, look: Look) -> Iterator[Found]:
    form, colon, rest = word.partition(":")
    several = _FORMS.get(form) if colon else None
    try:
        if several is not None:
            devices = list(several(host, rest, look))
        elif _WILD.intersection(word):
            devices = list(_fitting(host, word))
        else:
            yield word, find_device(host, word)
            return
    except NotFoundError as error:
        yield word, error
        return
    devices = [device for device in devices if not device.is_bridge]
    if not devices:
        hint = "resolver devices shows those there are"
        yield word, NotFoundError("it fits no device", hint=hint)
    for device in devices:
        yield device.name, device


# A pattern of addresses, with domain or without, or of interfaces.
def _fitting(host: Host, word: str) -> Iterator[Device]:
    fits = _matcher(word)
    for device in all_devices(host):
        short = device.name.removeprefix("0000:")
        if any(fits(name) for name in (device.name, short, *device.interfaces)):
            yield device


def _matcher(word: str) -> Callable[[str], bool]:
    if "/" in word or "\n" in word:
        raise UsageError(f"{word!r} is no pattern of devices: it is a path")
    pattern = compile_pattern(word)
    return lambda name: pattern.fullmatch(name) is not None


def _of_class(host: Host, kind: str, look: Look) -> Iterator[Device]:
    prefix = class_prefix(kind)
    for device in all_devices(host, look=look):
        if (device.device_class or "").startswith(prefix):
            yield device


def _of_kind(host: Host, kind: str, look: Look) -> Iterator[Device]:
    wanted = parse_kind(kind)
    return (d for d in all_devices(host, look=look) if d.vendor_device == wanted)


# Not the physical function itself: with its virtual ones enabled nobody can have it.
def _virtual_functions(host: Host, word: str, look: Look) -> Iterator[Device]:
    physical = find_device(host, word)
    path = f"{host.sys}/bus/{physical.bus}/devices/{physical.name}"
    links = [name for name in host.names(path) if name.startswith("virtfn")]
    if not links:
        raise NotFoundError(f"{physical} has no virtual functions that are enabled")
    for link in sorted(links, key=lambda name: (len(name), name)):
        name = host.link_name(f"{path}/{link}")
        if name is not None:
            yield look(host, physical.bus, name)


_FORMS: dict[str, Callable[[Host, str, Look], Iterator[Device]]] = {
    "class": _of_class,
    "id": _of_kind,
    "vfs": _virtual_functions,
}
