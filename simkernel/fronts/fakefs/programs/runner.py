"""Run simulated programs: kmod's commands, tools, shell lines."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from errno import EACCES

from pyfakefs.fake_filesystem import FakeFilesystem
from pyfakefs.helpers import get_uid, set_uid

from simkernel.fronts.fakefs.filesystem import HostFiles
from simkernel.fronts.fakefs.mounts import Mounts
from simkernel.fronts.fakefs.patches.system import uname
from simkernel.fronts.fakefs.programs.call import Call, UnsupportedError
from simkernel.fronts.fakefs.programs.shell import Stage, parse
from simkernel.fronts.fakefs.programs.tools import TOOLS
from simkernel.host.host import Host
from simkernel.kmod import commands
from simkernel.kmod.context import CommandResult

__all__ = ["ProgramRunner"]

_SHELLS = ("bash", "dash", "sh")
_FOLDERS = ("", "/bin", "/sbin", "/usr/bin", "/usr/sbin")


class ProgramRunner:
    """The simulated programs of one host."""

    def __init__(self, host: Host, filesystem: FakeFilesystem) -> None:
        self._host = host
        self._files = HostFiles(filesystem)
        self._mounts = Mounts(filesystem)

    @staticmethod
    def can_run(argv: Sequence[str]) -> bool:
        """Tell whether all programs of a command line are simulated."""
        try:
            return bool(_pipelines(list(argv)))
        except UnsupportedError:
            return False

    def run(
        self, argv: Sequence[str], environment: Mapping[str, str], uid: int
    ) -> CommandResult:
        """Run a program to its end.

        :raises PermissionError: the program, or one of its options, is not simulated.
        """
        words = list(argv)
        try:
            pipelines = _pipelines(words)
            out, err, status = b"", b"", 0
            for stages in pipelines:
                result = self._pipeline(stages, environment, uid)
                out, err = out + result.stdout, err + result.stderr
                status = result.returncode
        except UnsupportedError:
            raise PermissionError(
                EACCES,
                "the fakefs tier runs only Python, kmod's commands and a few tools",
                shlex.join(words),
            ) from None
        return CommandResult(returncode=status, stdout=out, stderr=err)

    def _pipeline(
        self, stages: Sequence[Stage], environment: Mapping[str, str], uid: int
    ) -> CommandResult:
        data: bytes | None = None
        err = b""
        status = 0
        for stage in stages:
            if stage.stdin_path is not None:
                data = self._files.read(stage.stdin_path)
            result = self._program(stage.words, data, environment, uid)
            data, err, status = result.stdout, err + result.stderr, result.returncode
        return CommandResult(returncode=status, stdout=data or b"", stderr=err)

    def _program(
        self,
        words: list[str],
        stdin: bytes | None,
        environment: Mapping[str, str],
        uid: int,
    ) -> CommandResult:
        if commands.is_command(words[0]):
            context = self._host.context(
                self._files, uid=uid, environment=dict(environment)
            )
            result = commands.run(words, context)
            self._host.kernel.notifier.end_operation()
            return result
        call = Call(
            words=words,
            stdin=stdin,
            files=self._files,
            mounts=self._mounts,
            uname=uname(self._host.kernel.release),
            uid=uid,
        )
        with _as_user(uid):
            TOOLS[os.path.basename(words[0])](call)
        return CommandResult(
            returncode=call.status, stdout=bytes(call.stdout), stderr=bytes(call.stderr)
        )


@contextmanager
def _as_user(uid: int) -> Iterator[None]:
    before = get_uid()
    set_uid(uid)
    try:
        yield
    finally:
        set_uid(before)


def _pipelines(words: list[str]) -> list[list[Stage]]:
    """Return the pipelines of a command line.

    :raises UnsupportedError: a program or a part of the syntax is not simulated.
    """
    pipelines: list[list[Stage]] | None = [[Stage(words)]]
    if words and _name(words[0]) in _SHELLS:
        if len(words) != 3 or words[1] != "-c":
            raise UnsupportedError
        pipelines = parse(words[2])
    if pipelines is None or not words:
        raise UnsupportedError
    for stage in (stage for stages in pipelines for stage in stages):
        is_simulated = _name(stage.words[0]) in TOOLS or commands.is_command(
            stage.words[0]
        )
        if not is_simulated:
            raise UnsupportedError
    return pipelines


def _name(word: str) -> str:
    """Return a program's name, "" outside program directories."""
    folder, name = os.path.split(word)
    return name if folder in _FOLDERS else ""
