"""``resolver devices``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from resolver.cli import options as shared
from resolver.cli.invocation import Invocation, pass_invocation
from resolver.output.console import is_terminal

if TYPE_CHECKING:
    from resolver.device import Device
    from resolver.matching.driver_state import DriverState
    from resolver.matching.migration import Migration
    from resolver.matching.select import Choice
    from resolver.session import Session

__all__ = ["command"]

_EXAMPLES = """\b
Examples:
  resolver devices
  resolver devices --class net
"""


@click.command("devices", epilog=_EXAMPLES)
@click.option(
    "--class",
    "kind",
    metavar="CLASS",
    help="List only devices of CLASS, such as net, storage or 0x0200 [default: all].",
)
@shared.as_json
@shared.kernel
@shared.common
@pass_invocation
def command(call: Invocation, kind: str | None, as_json: bool) -> None:
    """List PCI devices with their driver and best VFIO driver."""
    from resolver.matching.device_class import class_prefix
    from resolver.matching.driver_state import REMARKABLE
    from resolver.output import documents, text

    session = call.session()
    prefix = class_prefix(kind) if kind is not None else ""
    found = [
        (device, *_best(session, device))
        for device in session.devices()
        if (device.device_class or "").startswith(prefix)
    ]
    if as_json:
        objects = [documents.device_object(*row) for row in found]
        document = documents.device_document("devices", session.unseen, objects)
        call.console.document(document)
        return
    call.console.notes(session.unseen)
    rows = [text.DEVICE_COLUMNS, *(text.device_row(*row) for row in found)]
    if not any(row[3] in REMARKABLE for row in found):
        rows = [row[:-1] for row in rows]
    if is_terminal(sys.stdout):
        _print_table(rows)
    else:
        call.console.lines(text.columns(rows))


# The choice, the best driver, the state of the current driver, and migration.
def _best(
    session: Session, device: Device
) -> tuple[Choice | None, str | None, DriverState, Migration]:
    from resolver.errors import NotFoundError
    from resolver.inspect.devices import find_driver
    from resolver.inspect.iommu import is_on_vfio
    from resolver.inspect.migration import migration_state
    from resolver.inspect.modules import module_of_driver
    from resolver.matching.driver_state import driver_state

    host, bound = session.host, device.binding.driver
    module = module_of_driver(host, device.bus, bound) if bound else None
    choice = driver = None
    try:
        choice = session.choose(device, session.options)
        driver = find_driver(host, device.bus, choice.name, bound)
    except NotFoundError:
        choice = None  # `resolver explain` reports the reason.
    # Without /sys/class/vfio-dev, more than the device must be read.
    is_known = bound is None or device.vfio_device is not None or session.shows_vfio
    on_vfio = not is_known and is_on_vfio(host, device)
    state = driver_state(device, module, choice, is_on_vfio=on_vfio)
    return choice, driver, state, migration_state(host, device, module, choice)


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console as Terminal
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows[1:]:
        table.add_row(*map(Text, row))
    Terminal().print(table)
