"""Turn the command line into modules, and a kernel to compare with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from resolver.errors import UsageError
from resolver.lint import baseline
from resolver.lint.baseline import without
from resolver.lint.installed import read_kernel, read_names
from resolver.lint.judgement import Report
from resolver.lint.kernel import Kernel
from resolver.lint.module import Module, Unreadable
from resolver.lint.names import Names
from resolver.lint.reading import read_directory, read_file, read_text
from resolver.linux import Host
from resolver.linux.module_files import is_folder, read_within, write_whole

__all__ = ["kernel", "known", "names", "read", "without", "write_baseline"]

_TEXT_BYTES: Final = 64 << 20


class Stream(Protocol):
    """A source of bytes."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes, fewer at the end."""
        ...


def kernel(
    host: Host, files: Sequence[str], release: str | None, directory: str | None
) -> Kernel | None:
    """Return the kernel to compare with.

    Without a name, a module directory among the files decides.

    :param release: kernel of the host; ``directory``: module directory.
    :raises UsageError: there is no such kernel.
    """
    if directory is not None:
        return read_kernel(Host(), directory)
    if release is not None:
        kernels = host.names(host.modules)
        if release not in kernels:
            raise UsageError(
                f"no kernel {release!r} in {host.modules}",
                hint=f"use one of these: {', '.join(kernels) or 'none'}",
            )
        return read_kernel(host, f"{host.modules}/{release}")
    for path in files:
        if Host().is_there(f"{path}/modules.alias"):
            return read_kernel(Host(), path.rstrip("/"))
    return None


def read(
    host: Host,
    files: Sequence[str],
    stdin: Stream | None,
    talk: Callable[[str], None],
    *,
    is_fresh: bool,
) -> list[Module | Unreadable]:
    """Return the modules in files and directories.

    :param talk: function that prints a warning.
    :raises UsageError: a file describes no module, or a directory has no modules.
    :raises OSError: a directory cannot be listed.
    """
    found: list[Module | Unreadable] = []
    for path in files:
        if path == "-" and stdin is not None:
            found += read_text(stdin.read(_TEXT_BYTES + 1), "-")
        elif is_folder(path):
            folder = path.rstrip("/") or "/"
            below, problem = read_directory(host, folder, is_cached=not is_fresh)
            if problem:
                talk(f"warning: {problem}")
            if not below:
                raise UsageError(f"no modules below {path}")
            found += below
        else:
            found += read_file(path)
    return found


def known(path: str) -> frozenset[baseline.Key]:
    """Return the findings of a baseline.

    :raises UsageError: the file is not a baseline.
    :raises OSError: the file cannot be read.
    """
    return baseline.read(read_within(path, _TEXT_BYTES), path)


def write_baseline(path: str, report: Report) -> None:
    """Write a baseline with all findings of a report.

    :raises OSError: the file cannot be written.
    """
    write_whole(path, baseline.written(report.findings))


def names(host: Host) -> Names:
    """Return the names of PCI devices that a host knows."""
    return read_names(host)
