"""Write and remove several files of resolver: all of them, or none."""

from __future__ import annotations

from collections.abc import Sequence

from resolver.errors import FailedError, NotUndoneError
from resolver.linux import Host
from resolver.linux.files import remove_if_empty
from resolver.persistence.mechanism import File

__all__ = ["Changes"]


class Changes:
    """Changed files, with their previous content to roll back."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._before: list[tuple[File, bytes | None]] = []

    def make(self, files: Sequence[File], gone: Sequence[File]) -> tuple[str, ...]:
        """Write files in their order, then remove others.

        :return: paths of the changed files.
        :raises FailedError: a file cannot be written or removed; all were rolled back.
        :raises NotUndoneError: a file could not be rolled back.
        """
        try:
            for file in files:
                self._write(file)
            for file in gone:
                self._remove(file)
        except BaseException as problem:
            with self._host.uninterrupted():
                problems = self._roll_back()
            if problems:
                raise NotUndoneError(_message(problem), problems=problems) from problem
            if isinstance(problem, OSError):
                is_root = not isinstance(problem, PermissionError)
                raise FailedError(
                    f"{_message(problem)}; all changes were rolled back",
                    hint="" if is_root else "run as root",
                    errno=problem.errno or 0,
                ) from problem
            raise
        return tuple(file.path for file, _ in self._before)

    def _write(self, file: File) -> None:
        before = self._host.read_if_there(file.path)
        if before != file.data:
            self._before.append((file, before))
            self._host.replace_file(file.path, file.data)

    def _remove(self, file: File) -> None:
        before = self._host.read_if_there(file.path)
        if before is not None:
            self._before.append((file, before))
            self._host.remove_file(file.path)
            if file.folder:
                remove_if_empty(file.folder)

    def _roll_back(self) -> tuple[str, ...]:
        problems = []
        for file, data in reversed(self._before):
            try:
                if data is not None:
                    self._host.replace_file(file.path, data)
                    continue
                self._host.remove_file(file.path)
                if file.folder:
                    remove_if_empty(file.folder)
            except OSError as problem:
                problems.append(_message(problem))
        return tuple(problems)


def _message(problem: BaseException) -> str:
    if isinstance(problem, OSError):
        return f"cannot write {problem.filename}: {problem.strerror}"
    return str(problem) or "interrupted"
