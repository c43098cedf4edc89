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

_EXAMPLES = """\b
Examples:
  resolver restore 0000:3b:00.2
  resolver restore --all
"""


@click.command("restore", epilog=_EXAMPLES)
@shared.devices(required=False)
@click.option("--all", "is_all", is_flag=True, help="Restore every recorded device.")
@shared.changing("Restore")
@shared.common
@pass_invocation
def command(
    call: Invocation,
    devices: tuple[str, ...],
    is_all: bool,
    options: Options,
    as_json: bool,
) -> None:
    """Restore the previous driver and driver_override of DEVICE."""
    from resolver.cli import many
    from resolver.errors import UsageError

    if bool(devices) == is_all:
        raise UsageError(
            "--all takes no devices" if is_all else "no device given",
            hint="give devices, or --all",
        )
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
            if record is not None:
                yield record.device, read_device(host, record.bus, record.device)
        except ResolverError as error:
            if isinstance(error, NotFoundError):
                path = journal.path_of(host, name)
                error.hint = f"remove {path} if the device is gone for good"
            yield name, error
