"""Ends the persistence of several devices, and reports it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from resolver.device import Device, PciAddress
from resolver.errors import NotFoundError, ResolverError
from resolver.inspect.device_words import find_devices
from resolver.linux import Host
from resolver.output import documents
from resolver.output import text as report
from resolver.output.console import Console
from resolver.persistence import persist, records

__all__ = ["unpersist_devices"]


def unpersist_devices(
    host: Host,
    console: Console,
    words: Iterable[str] | None,
    *,
    is_dry_run: bool,
    as_json: bool,
) -> int:
    """Leave devices to the kernel at the next boot, and return the exit code.

    :param words: which ones, as people spell them; ``None``: all that are persistent.
    """
    if not is_dry_run:
        host.require_live()
    objects: list[dict[str, Any]] = []
    codes = []
    for name, key in _keys(host, words):
        try:
            if isinstance(key, ResolverError):
                raise key
            done = persist.unpersist(host, key, is_dry_run=is_dry_run)
        except ResolverError as error:
            error.about = name
            codes.append(error.exit_code)
            objects.append(documents.unpersisted_object(name, None, error))
            console.error(error)
            continue
        objects.append(documents.unpersisted_object(name, done, None))
        if not as_json:
            console.lines(report.unpersisted_lines(name, done, is_dry_run=is_dry_run))
    if as_json:
        console.document(
            documents.document("unpersist", dry_run=is_dry_run, devices=objects)
        )
    return report.worst(codes)


# Names, and the keys of what was made persistent of them. A device may be gone since.
def _keys(
    host: Host, words: Iterable[str] | None
) -> Iterator[tuple[str, str | ResolverError]]:
    if words is None:
        for key in records.recorded(host):
            yield key.partition("-")[2], key
        return
    for word in words:
        for text, found in find_devices(host, [word]):
            address = PciAddress.parse(text)
            if isinstance(found, Device):
                yield found.name, records.key_of(found)
            elif isinstance(found, NotFoundError) and address is not None:
                yield str(address), f"pci-{address}"
            else:
                yield text, found
