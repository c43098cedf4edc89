"""State of one call of the command, from its options to its exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from resolver.errors import UsageError
from resolver.linux import Host
from resolver.output.console import Console
from resolver.suggest import did_you_mean

if TYPE_CHECKING:
    from resolver.matching.alias_index import Aliases
    from resolver.options import Options
    from resolver.session import Session

__all__ = ["Invocation", "pass_invocation"]


class Invocation:
    """One call of the command."""

    def __init__(self) -> None:
        self.console = Console()
        self.exit_code = 0
        self.is_verbose = False
        self.kernel: str | None = None
        self.modules_dir: str | None = None
        self.root = "/"

    def host(self) -> Host:
        """Return the host: the running one, or the one captured in ``--root``."""
        return Host.below(self.root)

    def session(self, options: Options | None = None) -> Session:
        """Return a session on the host.

        :param options: ``None``: for a command that only reads; it has ``--kernel``.
        :raises UsageError: there is no such host, or no such kernel.
        """
        from resolver.session import Session

        host = self.host()
        return Session(host, options, self.aliases(host) if options is None else None)

    def aliases(self, host: Host) -> Aliases:
        """Return the VFIO aliases of the running kernel, or of the one named.

        :raises UsageError: there is no such kernel.
        """
        from resolver.inspect.modules import read_aliases

        if self.modules_dir is not None:
            return read_aliases(Host(), self.modules_dir)
        release = self.kernel or host.release()
        if release is None:
            return read_aliases(host, None)
        directory = host.module_directory(release)
        kernels = host.releases()
        if self.kernel is not None and release not in kernels:
            place = host.modules[-2:][0]
            raise UsageError(
                f"no kernel {release!r} in {place}",
                hint=did_you_mean(release, kernels, f"run `ls {place}`"),
            )
        return read_aliases(host, directory, is_running=self.kernel is None)


pass_invocation = click.make_pass_decorator(Invocation, ensure=True)
