"""The ``resolver`` command: arguments in; text, JSON and an exit code out.

Modules that only some commands need are imported where they are used: ``--help``
and ``resolve`` are not to wait for what binds devices.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from resolver.console import Console
from resolver.errors import FailedError, ResolverError, UsageError
from resolver.linux import Host

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from resolver.lookup import Aliases

__all__ = ["main"]

_LINES_AT_ONCE = 512

Command = TypeVar("Command", bound=Callable[..., Any])


class Session:
    """What the options before and after the command's name say."""

    def __init__(self) -> None:
        self.console = Console()
        self.exit_code = 0
        self.is_verbose = False
        self.kernel: str | None = None
        self.modules_dir: str | None = None
        self.root = "/"

    def host(self) -> Host:
        """Return the host to look at."""
        return Host.below(self.root)

    def aliases(self, host: Host) -> Aliases:
        """Return the VFIO aliases of the kernel that was named, or is running.

        :raises UsageError: there is no such kernel.
        """
        from resolver.aliases import read_aliases

        if self.modules_dir is not None:
            return read_aliases(host, self.modules_dir)
        release = self.kernel or host.release()
        if release is None:
            return read_aliases(host, None)
        directory = f"{host.modules}/{release}"
        if self.kernel is not None and release not in host.names(host.modules):
            kernels = ", ".join(host.names(host.modules)) or "none"
            raise UsageError(
                f"{host.modules} has no kernel {release!r}", hint=f"it has: {kernels}"
            )
        return read_aliases(host, directory, is_running=self.kernel is None)


pass_session = click.make_pass_decorator(Session, ensure=True)


# Options that every command has may stand before its name, too.
def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value and parameter.name:
        setattr(context.ensure_object(Session), parameter.name, value)


def _option(*names: str, **attributes: Any) -> Callable[[Command], Command]:
    return click.option(*names, **attributes, callback=_keep, expose_value=False)


def _common(command: Command) -> Command:
    command = _option(
        "-v", "--verbose", "is_verbose", is_flag=True, help="Say more on stderr."
    )(command)
    return _option(
        "--root",
        metavar="DIR",
        type=click.Path(),
        help="Look at the host captured in DIR instead of this one.",
    )(command)


_kernel = _option("--kernel", metavar="RELEASE", help="Aliases of this kernel.")
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
_dry_run = click.option(
    "--dry-run", "is_dry_run", is_flag=True, help="Only say what would be done."
)


def _complete_devices(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    from resolver.completion import devices

    return devices(context.ensure_object(Session).host(), incomplete)


def _complete_drivers(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    from resolver.completion import drivers

    return drivers(context.ensure_object(Session).host(), incomplete)


def _devices(*, required: bool) -> Callable[[Command], Command]:
    return click.argument(
        "devices",
        metavar="DEVICE..." if required else "[DEVICE...]",
        nargs=-1,
        required=required,
        shell_complete=_complete_devices,
    )


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="simkernel", prog_name="resolver")
@_common
@click.pass_context
def cli(context: click.Context) -> None:
    """Find, bind and give back the best VFIO driver of a PCI device.

    DEVICE is an address (0000:3b:00.2 or 3b:00.2), pci_0000_3b_00_2, a path below
    /sys, the name of a network interface, or vendor:device (15b3:101e).
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(2)


@cli.command("devices")
@click.option("--class", "kind", metavar="CLASS", help="Only net, storage, 0x0200...")
@_json
@_kernel
@_common
@pass_session
def devices_command(session: Session, kind: str | None, as_json: bool) -> None:
    """Show every PCI device, its driver and its best VFIO driver."""
    from resolver.listing import list_devices

    host = session.host()
    list_devices(host, session.aliases(host), session.console, kind, as_json=as_json)


@cli.command("explain")
@_devices(required=True)
@_json
@_kernel
@_common
@pass_session
def explain_command(session: Session, devices: tuple[str, ...], as_json: bool) -> None:
    """Show which driver DEVICE would get, and why; it may be a modalias."""
    from resolver.commands import explain_devices

    host = session.host()
    aliases = session.aliases(host)
    session.exit_code = explain_devices(
        host, aliases, session.console, devices, as_json=as_json
    )


@cli.command("bind")
@_devices(required=True)
@click.option(
    "--driver",
    metavar="NAME",
    help="Bind to this driver or module, not to the best one.",
    shell_complete=_complete_drivers,
)
@_dry_run
@_json
@_common
@pass_session
def bind_command(
    session: Session,
    devices: tuple[str, ...],
    driver: str | None,
    is_dry_run: bool,
    as_json: bool,
) -> None:
    """Bind DEVICE to its best VFIO driver.

    What it was bound to is remembered; resolver restore gives it back.
    """
    from resolver import binding
    from resolver.commands import Batch
    from resolver.device import check_name

    if driver is not None:
        check_name(driver, "driver")
    host = session.host()
    batch = Batch("bind", host, session.console, is_dry_run=is_dry_run)
    batch.find(devices)
    aliases = session.aliases(host)
    session.exit_code = batch.run(
        lambda device: binding.bind(
            host, aliases, device, request=driver, is_dry_run=is_dry_run
        ),
        choose=lambda device: binding.choose_for(aliases, device, driver),
        as_json=as_json,
        is_verbose=session.is_verbose,
    )


@cli.command("unbind")
@_devices(required=True)
@_dry_run
@_json
@_common
@pass_session
def unbind_command(
    session: Session, devices: tuple[str, ...], is_dry_run: bool, as_json: bool
) -> None:
    """Take DEVICE from its driver and leave it without one."""
    from resolver import binding
    from resolver.commands import Batch

    host = session.host()
    batch = Batch("unbind", host, session.console, is_dry_run=is_dry_run)
    batch.find(devices)
    session.exit_code = batch.run(
        lambda device: binding.unbind(host, device, is_dry_run=is_dry_run),
        as_json=as_json,
        is_verbose=session.is_verbose,
    )


@cli.command("restore")
@_devices(required=False)
@click.option("--all", "is_all", is_flag=True, help="Every device that is remembered.")
@_dry_run
@_json
@_common
@pass_session
def restore_command(
    session: Session,
    devices: tuple[str, ...],
    is_all: bool,
    is_dry_run: bool,
    as_json: bool,
) -> None:
    """Give DEVICE back to the driver and override it was found with."""
    from resolver import binding
    from resolver.commands import Batch

    if bool(devices) == is_all:
        raise click.UsageError("name devices, or say --all")
    host = session.host()
    batch = Batch("restore", host, session.console, is_dry_run=is_dry_run)
    if is_all:
        batch.find_remembered()
    else:
        batch.find(devices)
    session.exit_code = batch.run(
        lambda device: binding.restore(host, device, is_dry_run=is_dry_run),
        as_json=as_json,
        is_verbose=session.is_verbose,
    )


@cli.command("resolve")
@click.argument("modaliases", metavar="[MODALIAS... | -]", nargs=-1)
@_option(
    "--modules-dir",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    help="Aliases of the kernel whose modules are in DIR.",
)
@_json
@_kernel
@_common
@pass_session
def resolve_command(
    session: Session, modaliases: tuple[str, ...], as_json: bool
) -> None:
    """Print the VFIO module for each MODALIAS, or for each line of stdin (-).

    Columns are modalias, module, alias and source, with tabs between.
    """
    from resolver import resolution

    if session.kernel and session.modules_dir:
        raise click.UsageError("--kernel and --modules-dir exclude each other")
    if not modaliases:
        raise click.UsageError("name modaliases, or say - to read them from stdin")
    console = session.console
    aliases = session.aliases(session.host())
    for note in aliases.notes:
        console.talk(f"warning: {note}")
    lines = sys.stdin.buffer if modaliases == ("-",) else _encoded(modaliases)

    def on_error(number: int, problem: UsageError) -> None:
        session.exit_code = problem.exit_code
        problem.about = f"line {number}" if modaliases == ("-",) else ""
        console.error(problem)

    if as_json:
        header = '{"schema": "resolver/1", "command": "resolve"}'
        pieces = resolution.json_lines(aliases.lookup, lines, on_error, header)
    else:
        pieces = resolution.text_lines(aliases.lookup, lines, on_error)
    while chunk := "".join(itertools.islice(pieces, _LINES_AT_ONCE)):
        console.write(chunk)
        if console.is_unread:
            break


def _encoded(texts: Sequence[str]) -> Iterator[bytes]:
    return (text.encode("utf-8", "surrogateescape") for text in texts)


def main() -> None:
    """Run the command and exit with its code; never with a traceback."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code; ``report`` says what it means."""
    session = Session()
    try:
        stopped = cli.main(
            list(arguments), prog_name="resolver", standalone_mode=False, obj=session
        )
        code = stopped if isinstance(stopped, int) else session.exit_code
    except click.UsageError as problem:
        usage = problem.ctx.get_usage() + "\n" if problem.ctx else ""
        session.console.talk(f"{usage}error: {problem.format_message()}")
        code = problem.exit_code
    except (click.Abort, KeyboardInterrupt):
        session.console.talk("error: interrupted")
        code = 130
    except ResolverError as problem:
        session.console.error(problem)
        code = problem.exit_code
    except OSError as problem:
        where = f"{problem.filename}: " if problem.filename else ""
        session.console.error(FailedError(f"{where}{problem.strerror}"))
        code = 1
    session.console.flush()
    return code or (141 if session.console.is_unread else 0)
