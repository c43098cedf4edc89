"""The table of all devices."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from resolver.changes.bind import choose_for
from resolver.device import Device
from resolver.errors import NotFoundError
from resolver.inspect.devices import all_devices, find_driver
from resolver.inspect.modules import module_of_driver
from resolver.linux import Host
from resolver.matching.alias_index import Aliases
from resolver.matching.device_class import class_prefix
from resolver.matching.driver_state import REMARKABLE, DriverState, driver_state
from resolver.matching.select import Choice
from resolver.output import documents, text
from resolver.output.console import Console

__all__ = ["list_devices"]


def list_devices(
    host: Host,
    aliases: Aliases,
    console: Console,
    kind: str | None,
    *,
    as_json: bool,
) -> None:
    """Print every PCI device: its driver, and its best VFIO driver.

    :param kind: name of a class, or its first digits: ``net``, ``02``, ``0x0200``.
    :raises UsageError: there is no such class.
    """
    prefix = class_prefix(kind) if kind is not None else ""
    found = [
        (device, *_best(host, aliases, device))
        for device in all_devices(host)
        if (device.device_class or "").startswith(prefix)
    ]
    if as_json:
        objects = [documents.device_object(*row) for row in found]
        console.document(documents.document("devices", devices=objects))
        return
    rows = [text.DEVICE_COLUMNS, *(text.device_row(*row) for row in found)]
    if not any(state in REMARKABLE for *_, state in found):
        rows = [row[:-1] for row in rows]
    if sys.stdout.isatty():
        _print_table(rows)
    else:
        console.lines(text.columns(rows))


# Its choice, its best driver, and how good the one is that it has.
def _best(
    host: Host, aliases: Aliases, device: Device
) -> tuple[Choice | None, str | None, DriverState]:
    bound = device.binding.driver
    module = module_of_driver(host, device.bus, bound) if bound else None
    try:
        choice = choose_for(aliases, device)
        driver = find_driver(host, device.bus, choice.name, bound)
    except NotFoundError:
        # explain says why; here the device has none.
        return None, None, driver_state(device, module, None)
    return choice, driver, driver_state(device, module, choice)


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
