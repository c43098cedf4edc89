"""Simulated tools, such as ``cat`` and ``grep``.

They support the options that scripts for devices and modules use, and refuse all
others, so that no output is silently wrong.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Final

from simkernel.fronts.fakefs.filesystem import HostFiles
from simkernel.fronts.fakefs.programs.call import Call, UnsupportedError

__all__ = ["TOOLS"]


# ---- filters


def _cat(call: Call) -> None:
    _, paths = call.options("")
    for _, data in call.inputs(paths):
        call.stdout += data


def _head(call: Call) -> None:
    call.words = [re.sub(r"^-(\d+)$", r"-n\1", word) for word in call.words]
    options, paths = call.options("n:")
    count = options.get("-n", "10")
    if len(paths) > 1 or not count.isdecimal():
        raise UnsupportedError
    for _, data in call.inputs(paths):
        call.stdout += b"".join(data.splitlines(keepends=True)[: int(count)])


def _tr(call: Call) -> None:
    _, sets = call.options("")
    if len(sets) != 2:
        raise UnsupportedError
    one, other = (_characters(text) for text in sets)
    for _, data in call.inputs([]):
        call.stdout += data.translate(bytes.maketrans(one, other))


_ESCAPES: Final = {"\\0": "\0", "\\n": "\n", "\\t": "\t", "\\\\": "\\"}


def _characters(text: str) -> bytes:
    """Return the one character of a ``tr`` argument."""
    text = _ESCAPES.get(text, text)
    if len(text.encode()) != 1:
        raise UnsupportedError
    return text.encode()


def _grep(call: Call) -> None:
    options, arguments = call.options("EFcinqv")
    if not arguments:
        raise UnsupportedError
    wanted = _expression(arguments[0], options)
    call.status = 1
    for path, data in call.inputs(arguments[1:]):
        prefix = f"{path}:" if len(arguments) > 2 else ""
        found = [
            (number, line)
            for number, line in enumerate(data.decode("latin-1").split("\n"), start=1)
            if (wanted.search(line) is None) == ("-v" in options)
        ]
        if found and data.endswith(b"\n") and found[-1][0] == data.count(b"\n") + 1:
            found.pop()  # the last newline ends a line and starts none
        if found and call.status == 1:
            call.status = 0
        if "-c" in options:
            call.stdout += f"{prefix}{len(found)}\n".encode()
        elif "-q" not in options:
            for number, line in found:
                where = f"{prefix}{number}:" if "-n" in options else prefix
                call.stdout += f"{where}{line}\n".encode("latin-1")


def _expression(text: str, options: Mapping[str, str]) -> re.Pattern[str]:
    """Convert a pattern of ``grep`` to Python."""
    if "-F" in options:
        text = re.escape(text)
    elif "[:" in text or re.search(r"\\\w", text):
        raise UnsupportedError
    elif "-E" not in options:
        # In a basic expression, these are special with a backslash only.
        text = re.sub(
            r"\\?[+?(){}|]",
            lambda sign: sign[0][1:] if len(sign[0]) == 2 else f"\\{sign[0]}",
            text,
        )
    return re.compile(text, re.IGNORECASE if "-i" in options else 0)


# ---- files


def _cp(call: Call) -> None:
    options, paths = call.options("arR")
    if len(paths) != 2:
        raise UnsupportedError
    source, target = paths
    if call.files.is_directory(target):
        target = posixpath.join(target, posixpath.basename(source.rstrip("/")))
    try:
        if call.files.is_directory(source) and not options:
            raise UnsupportedError
        _copy(call.files, source, target)
    except OSError as error:
        call.fail(f"cannot copy '{source}' to '{target}'", error)


def _copy(files: HostFiles, source: str, target: str) -> None:
    if files.is_link(source):
        raise UnsupportedError
    if not files.is_directory(source):
        files.write(target, files.read(source))
        return
    if not files.exists(target):
        files.make_directory(target)
    for name in files.listdir(source):
        _copy(files, f"{source}/{name}", f"{target}/{name}")


def _rm(call: Call) -> None:
    options, paths = call.options("frR")
    recursive = "-r" in options or "-R" in options
    for path in paths:
        try:
            call.files.remove(path, recursive=recursive)
        except FileNotFoundError as error:
            if "-f" not in options:
                call.fail(f"cannot remove '{path}'", error)
        except OSError as error:
            call.fail(f"cannot remove '{path}'", error)


def _mount(call: Call) -> None:
    options, paths = call.options("t:", "bind")
    kind = options.get("-t", "tmpfs" if "--bind" not in options else "none")
    if len(paths) != 2 or call.uid != 0 or kind not in ("none", "tmpfs"):
        raise UnsupportedError
    try:
        if "--bind" in options:
            call.mounts.bind(*paths)
        else:
            call.mounts.tmpfs(paths[1])
    except OSError as error:
        call.fail(paths[1], error, status=32)


def _umount(call: Call) -> None:
    _, paths = call.options("")
    if not paths or call.uid != 0:
        raise UnsupportedError
    for path in paths:
        try:
            call.mounts.unmount(path)
        except OSError:
            call.stderr += f"umount: {path}: not mounted.\n".encode()
            call.status = 32


# ---- the system


def _uname(call: Call) -> None:
    options, rest = call.options("asnrvm")
    if rest:
        raise UnsupportedError
    letters = "snrvm" if "-a" in options else "".join(options) or "s"
    parts = [
        part
        for part, letter in zip(call.uname, "snrvm", strict=True)
        if letter in letters
    ]
    if "-a" in options:
        parts.append("GNU/Linux")
    call.stdout += f"{' '.join(parts)}\n".encode()


TOOLS: Final[Mapping[str, Callable[[Call], None]]] = {
    "cat": _cat,
    "cp": _cp,
    "grep": _grep,
    "head": _head,
    "mount": _mount,
    "rm": _rm,
    "tr": _tr,
    "umount": _umount,
    "uname": _uname,
}
