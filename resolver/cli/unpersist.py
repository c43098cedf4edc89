"""``resolver unpersist``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from resolver.cli import options as shared
from resolver.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from resolver.errors import ResolverError
    from resolver.linux import Host

__all__ = ["command"]

_EXAMPLES = """\b
Examples:
  resolver unpersist 0000:3b:00.2
  resolver unpersist --all
"""


@click.command("unpersist", epilog=_EXAMPLES)
@shared.devices(required=False)
@click.option("--all", "is_all", is_flag=True, help="Stop for every persistent device.")
@shared.dry_run
@shared.as_json
@shared.common
@pass_invocation
def command(
    call: Invocation,
    devices: tuple[str, ...],
    is_all: bool,
    is_dry_run: bool,
    as_json: bool,
) -> None:
    """Stop binding DEVICE at boot. Does not change its current driver.

    DEVICE may be the address of a device that is gone.
    """
    from resolver.cli.many import with_stdin
    from resolver.errors import ResolverError, UsageError
    from resolver.output import documents, text
    from resolver.persistence import persist, records

    if bool(devices) == is_all:
        raise UsageError(
            "--all takes no devices" if is_all else "no device given",
            hint="give devices, or --all",
        )
    host = call.host()
    if not is_dry_run:
        host.require_live()
    objects: list[dict[str, Any]] = []
    codes = []
    keys = (
        ((key.partition("-")[2], key) for key in records.recorded(host))
        if is_all
        else _keys(host, with_stdin(devices))
    )
    for name, key in keys:
        try:
            if isinstance(key, ResolverError):
                raise key
            done = persist.unpersist(host, key, is_dry_run=is_dry_run)
        except ResolverError as error:
            error.about = name
            codes.append(error.exit_code)
            objects.append(documents.unpersisted_object(name, None, error))
            call.console.error(error)
            continue
        objects.append(documents.unpersisted_object(name, done, None))
        if not as_json:
            lines = text.unpersisted_lines(name, done, is_dry_run=is_dry_run)
            call.console.lines(lines)
    if as_json:
        document = documents.document("unpersist", dry_run=is_dry_run, devices=objects)
        call.console.document(document)
    call.exit_code = text.worst(codes)


# Names and record keys. A recorded device may no longer be there.
def _keys(
    host: Host, words: Iterable[str]
) -> Iterator[tuple[str, str | ResolverError]]:
    from resolver.device import Device, PciAddress
    from resolver.errors import NotFoundError
    from resolver.inspect.device_words import find_devices
    from resolver.persistence import records

    for word in words:
        for text, found in find_devices(host, [word]):
            address = PciAddress.parse(text)
            if isinstance(found, Device):
                yield found.name, records.key_of(found)
            elif isinstance(found, NotFoundError) and address is not None:
                yield str(address), f"pci-{address}"
            else:
                yield text, found
