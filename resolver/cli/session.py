"""What the options before and after the command's name say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from resolver.errors import UsageError
from resolver.linux import Host
from resolver.output.console import Console

if TYPE_CHECKING:
    from resolver.matching.alias_index import Aliases

__all__ = ["Session", "pass_session"]


class Session:
    """One call of the command."""

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
        from resolver.inspect.modules import read_aliases

        if self.modules_dir is not None:
            return read_aliases(Host(), self.modules_dir)
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
