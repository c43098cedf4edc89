"""``resolver bind``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from resolver.cli import options as shared
from resolver.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from resolver.options import Options

__all__ = ["command"]

_EXAMPLES = """\b
Examples:
  resolver bind 0000:3b:00.2
  resolver bind --dry-run vfs:ens1np0
  resolver bind --driver vfio-pci --uid qemu 3b:00.2
  resolver bind --group --persist 3b:00.0
"""


def _complete_drivers(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    from resolver.cli.completion import drivers

    return drivers(context.ensure_object(Invocation).host(), incomplete)


@click.command("bind", epilog=_EXAMPLES)
@shared.devices(required=True)
@click.option(
    "--driver",
    metavar="NAME",
    help="Bind to driver or module NAME instead of the best match.",
    shell_complete=_complete_drivers,
)
@click.option(
    "--group",
    "with_group",
    is_flag=True,
    help="Bind the other members of the IOMMU group, too, each to its best match: "
    "all of them or none.",
)
@click.option(
    "--persist",
    "is_persistent",
    is_flag=True,
    help="Bind DEVICE at every boot, too; undo with `resolver unpersist`.",
)
@click.option(
    "--uid",
    "user",
    metavar="USER",
    help="Set the owner of the device's /dev/vfio nodes, by name or number [default: "
    "unchanged].",
)
@click.option(
    "--gid",
    "group",
    metavar="GROUP",
    help="Set the group of the device's /dev/vfio nodes, which may then read and write "
    "[default: unchanged].",
)
@shared.changing("Bind")
@shared.common
@pass_invocation
def command(
    call: Invocation,
    devices: tuple[str, ...],
    driver: str | None,
    with_group: bool,
    is_persistent: bool,
    user: str | None,
    group: str | None,
    options: Options,
    as_json: bool,
) -> None:
    """Bind DEVICE to its best VFIO driver.

    The previous driver is recorded; undo with `resolver restore`.
    """
    from dataclasses import replace

    from resolver.changes.node_owner import parse_grant
    from resolver.cli import many
    from resolver.device import check_name

    if driver is not None:
        check_name(driver, "driver")
    options = replace(
        options,
        driver=driver,
        owner=parse_grant(user, group),
        is_persistent=is_persistent,
    )
    session = many.session_for(call, options)
    targets = session.targets(many.with_stdin(devices))
    if with_group:
        members = session.group_members(targets)
        names = frozenset(name for name, _ in members)
        options = replace(options, is_atomic=True, group_members=names)
        targets += members
    many.change_devices(call, session, "bind", targets, options, as_json=as_json)
