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


def _complete_drivers(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    from resolver.cli.completion import drivers

    return drivers(context.ensure_object(Invocation).host(), incomplete)


@click.command("bind")
@shared.devices(required=True)
@click.option(
    "--driver",
    metavar="NAME",
    help="Bind to this driver or module, not to the best one.",
    shell_complete=_complete_drivers,
)
@click.option(
    "--group",
    "with_group",
    is_flag=True,
    help="Bind the other members of the IOMMU group, too, each to its best driver, "
    "or none of them.",
)
@click.option(
    "--persist",
    "is_persistent",
    is_flag=True,
    help="Bind it so at every boot, too; resolver unpersist ends that.",
)
@click.option("--uid", "user", metavar="USER", help="Give its nodes to this user.")
@click.option("--gid", "group", metavar="GROUP", help="Give its nodes to this group.")
@shared.changing
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

    What it was bound to is remembered; resolver restore gives it back.
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
