"""``simkernel run`` on the fakefs tier: one Python program."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pyfakefs.fake_file import (
    FakeDirectory,
    FakeDirectoryFromRealDirectory,
    FakeFile,
    FakeFileFromRealFile,
)
from pyfakefs.fake_filesystem import FakeFilesystem

from simkernel.fronts.fakefs.host import FakefsHost
from simkernel.fronts.fakefs.nodes import LiveDirectory
from simkernel.fronts.fakefs.programs.python import find_program, run_program
from simkernel.fronts.folders import kept_folders
from simkernel.fronts.tracing.trace import Trace
from simkernel.host.host import Host

__all__ = ["run", "run_on"]


def run(host: Host, argv: Sequence[str], trace: Trace | None = None) -> int:
    """Run a Python program on a host; return its exit code.

    :param trace: records what the program does on the host.
    :raises UsageError: the command is not a Python program.
    """
    with FakefsHost(host, trace) as fakefs_host:
        return run_on(fakefs_host, argv)


def run_on(fakefs_host: FakefsHost, argv: Sequence[str]) -> int:
    """Run a Python program on a running host.

    Afterwards, files that it wrote below the working directory, or below a directory
    named in its arguments, are written to the real disk. Other files are not, nor are
    files in directories that contain or lie in a directory of the simulated host.

    :raises UsageError: the command is not a Python program.
    """
    program = find_program(argv)
    here = Path.cwd()
    kept = kept_folders(
        [here, *(Path(one).resolve() for one in argv[1:] if _is_dir(one))]
    )
    if here not in kept:
        sys.stderr.write(f"simkernel: files written in {here} are discarded\n")
    folders = [*kept, Path(program.folder)] if program.folder else kept
    written: dict[Path, bytes] = {}
    with fakefs_host.visit(folders) as filesystem:
        filesystem.cwd = os.fspath(here)
        code = run_program(program)
        _flush(filesystem)
        for folder in kept:
            written |= _written_below(filesystem, folder)
    for path, data in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return code


def _flush(filesystem: FakeFilesystem) -> None:
    """Flush the buffers of open files, as Python does at exit."""
    sys.stdout.flush()
    for streams in filesystem.open_files:
        for stream in streams or ():
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()


def _is_dir(word: str) -> bool:
    return not word.startswith("-") and os.path.isdir(
        word
    )  # also False for an invalid path


def _written_below(filesystem: FakeFilesystem, folder: Path) -> dict[Path, bytes]:
    """Return the new and changed files below a directory."""
    found: dict[Path, bytes] = {}
    top = filesystem.resolve(os.fspath(folder))
    pending = [(folder, top)] if isinstance(top, FakeDirectoryFromRealDirectory) else []
    while pending:
        path, entry = pending.pop()
        if isinstance(entry, LiveDirectory):
            continue
        if isinstance(entry, FakeDirectory):
            loaded = getattr(entry, "contents_read", True)
            children = entry.entries if loaded else {}
            pending += [(path / name, child) for name, child in children.items()]
        elif _changed(entry):
            found[path] = entry.byte_contents or b""
    return found


def _changed(entry: FakeFile) -> bool:
    if isinstance(entry, FakeFileFromRealFile):
        return bool(entry.epoch > 0)
    return stat.S_ISREG(entry.st_mode)
