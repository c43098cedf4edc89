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


@click.command("boot")
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
@shared.changing
@shared.common
@pass_invocation
def command(
    call: Invocation, keys: tuple[str, ...], options: Options, as_json: bool
) -> None:
    """Bind what bind --persist made persistent, as the host does when it boots.

    KEY is a bus and a device, such as pci-0000:3b:00.2.
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
                raise NotFoundError("it is not persistent")
            yield record.device, read_device(host, record.bus, record.device)
        except ResolverError as error:
            yield key, error
