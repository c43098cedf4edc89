"""From the words of the command line to modules, and to the kernel to compare with."""

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
from resolver.suggest import did_you_mean

__all__ = ["kernel", "known", "names", "read", "without", "write_baseline"]

_TEXT_BYTES: Final = 64 << 20


class Stream(Protocol):
    """Where a text comes from."""

    def read(self, size: int, /) -> bytes:
        """Return so many bytes, fewer at the end."""
        ...


def kernel(
    host: Host, files: Sequence[str], release: str | None, directory: str | None
) -> Kernel | None:
    """Return the kernel to compare with.

    If none is named, it is that of a module directory among the files, if there is one.

    :raises UsageError: there is no such kernel.
    """
    if directory is not None:
        return read_kernel(Host(), directory)
    if release is not None:
        kernels = host.releases()
        if release not in kernels:
            raise UsageError(
                f"no kernel {release!r} in {host.modules[-2:][0]}",
                hint=did_you_mean(release, kernels, f"run `ls {host.modules[-2:][0]}`"),
            )
        return read_kernel(host, host.module_directory(release))
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
    """Return the modules that files and directories have.

    :param talk: takes what there is to say about the work.
    :raises UsageError: a file is about something else, or a directory has no modules.
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
                raise UsageError(f"there are no modules below {path}")
            found += below
        else:
            found += read_file(path)
    return found


def known(path: str) -> frozenset[baseline.Key]:
    """Return what a baseline has.

    :raises UsageError: it is none.
    :raises OSError: it cannot be opened.
    """
    return baseline.read(read_within(path, _TEXT_BYTES), path)


def write_baseline(path: str, report: Report) -> None:
    """Write a baseline of everything that was found.

    :raises OSError: it cannot be written.
    """
    write_whole(path, baseline.written(report.findings))


def names(host: Host) -> Names:
    """Return what PCI devices are called on a host."""
    return read_names(host)
