"""``resolver bind``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from resolver.cli import options
from resolver.cli.changes import Change, changing
from resolver.cli.session import Session, pass_session

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["command"]


def _complete_drivers(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    from resolver.cli.completion import drivers

    return drivers(context.ensure_object(Session).host(), incomplete)


@click.command("bind")
@options.devices(required=True)
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
@changing
@options.common
@pass_session
def command(
    session: Session,
    devices: tuple[str, ...],
    driver: str | None,
    with_group: bool,
    is_persistent: bool,
    user: str | None,
    group: str | None,
    change: Change,
) -> None:
    """Bind DEVICE to its best VFIO driver.

    What it was bound to is remembered; resolver restore gives it back.
    """
    from resolver.changes import bind
    from resolver.changes.node_owner import parse_grant
    from resolver.changes.provision import Wishes, provide
    from resolver.device import check_name

    if driver is not None:
        check_name(driver, "driver")
    grant = parse_grant(user, group)
    batch = change.batch("bind", session, devices)
    named = {device.name for device in batch.devices()}
    if with_group:
        batch.add_group_mates()
    host, aliases = batch.host, session.aliases(batch.host)

    def request(name: str) -> str | None:
        return driver if name in named else None

    def wishes(name: str) -> Wishes:
        return Wishes(request=request(name), grant=grant, is_persistent=is_persistent)

    session.exit_code = batch.run(
        lambda device, terms: provide(
            host, aliases, device, wishes(device.name), terms
        ),
        change.manner(session, is_atomic=with_group),
        choose=lambda device: bind.choose_for(aliases, device, request(device.name)),
    )
