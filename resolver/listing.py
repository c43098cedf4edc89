"""The table of all devices."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from resolver import documents, report
from resolver.binding import choose_for
from resolver.console import Console
from resolver.device import Device
from resolver.errors import NotFoundError
from resolver.inventory import all_devices, find_driver
from resolver.kinds import class_prefix
from resolver.linux import Host
from resolver.lookup import Aliases
from resolver.selection import Choice

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
    rows = [report.device_row(*row) for row in found]
    if sys.stdout.isatty():
        _print_table(rows)
    else:
        console.lines(report.columns([report.DEVICE_COLUMNS, *rows]))


def _best(
    host: Host, aliases: Aliases, device: Device
) -> tuple[Choice | None, str | None]:
    try:
        choice = choose_for(aliases, device)
        driver = find_driver(host, device.bus, choice.name, device.binding.driver)
    except NotFoundError:
        return None, None  # explain says why; here the device has none.
    return choice, driver


def _print_table(rows: Iterable[Sequence[str]]) -> None:
    from rich.console import Console as Terminal
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in report.DEVICE_COLUMNS:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Terminal().print(table)
