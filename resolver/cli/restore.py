"""``resolver restore``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from resolver.cli import options as shared
from resolver.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from resolver.inspect.device_words import Found
    from resolver.linux import Host
    from resolver.options import Options

__all__ = ["command"]


@click.command("restore")
@shared.devices(required=False)
@click.option("--all", "is_all", is_flag=True, help="Every device that is remembered.")
@shared.changing
@shared.common
@pass_invocation
def command(
    call: Invocation,
    devices: tuple[str, ...],
    is_all: bool,
    options: Options,
    as_json: bool,
) -> None:
    """Give DEVICE back to the driver and override it was found with."""
    from resolver.cli import many

    if bool(devices) == is_all:
        raise click.UsageError("name devices, or say --all")
    session = many.session_for(call, options)
    targets = session.targets(many.with_stdin(devices))
    if is_all:
        targets = list(_recorded_devices(session.host))
    many.change_devices(call, session, "restore", targets, options, as_json=as_json)


def _recorded_devices(host: Host) -> Iterator[Found]:
    from resolver.changes import journal
    from resolver.errors import NotFoundError, ResolverError
    from resolver.inspect.devices import read_device

    for name in journal.recorded(host):
        try:
            record = journal.load(host, name)
            yield name, read_device(host, record.bus if record else "pci", name)
        except ResolverError as error:
            if isinstance(error, NotFoundError):
                path = journal.path_of(host, name)
                error.hint = f"remove {path} if the device does not come back"
            yield name, error
