"""``resolver boot``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from resolver.cli import options as shared
from resolver.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from resolver.inspect.device_words import Found
    from resolver.linux import Host
    from resolver.options import Options

__all__ = ["command"]

_EXAMPLES = """\b
Examples:
  resolver boot pci-0000:3b:00.2
"""


@click.command("boot", epilog=_EXAMPLES)
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
@shared.changing("Bind")
@shared.common
@pass_invocation
def command(
    call: Invocation, keys: tuple[str, ...], options: Options, as_json: bool
) -> None:
    """Bind persistent devices, as the host does at boot.

    KEY is a bus and a device, such as pci-0000:3b:00.2. `resolver bind --persist` makes
    a device persistent.
    """
    from resolver.cli import many

    session = many.session_for(call, options)
    targets = list(_persistent_devices(session.host, keys))
    many.change_devices(call, session, "boot", targets, options, as_json=as_json)


def _persistent_devices(host: Host, keys: Iterable[str]) -> Iterator[Found]:
    from resolver.errors import NotFoundError, ResolverError
    from resolver.inspect.devices import read_device
    from resolver.persistence import records

    for key in keys:
        try:
            record = records.load(host, key)
            if record is None:
                raise NotFoundError("device is not persistent")
            yield record.device, read_device(host, record.bus, record.device)
        except ResolverError as error:
            yield key, error
