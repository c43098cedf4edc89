"""Find and run the Python code of a command line."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import traceback
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from simkernel.errors import UsageError

__all__ = ["PythonProgram", "find_program", "run_program"]

_USE_FUSE = "use --via fuse"


@dataclass(frozen=True, slots=True)
class PythonProgram:
    """Code to run as ``__main__``."""

    code: types.CodeType
    argv: list[str]
    """``sys.argv`` of the program."""
    folder: str
    """First entry of ``sys.path``."""


def find_program(argv: Sequence[str]) -> PythonProgram:
    """Return the Python program of a command line.

    The command line is ``python SCRIPT``, ``python -m MODULE``, ``python -c CODE``, or
    name or path of a Python script, such as an installed console command.

    :raises UsageError: the command does not exist, or is not a Python program.
    """
    name = os.path.basename(argv[0])
    is_python = name == "python" or (
        name.startswith("python") and name[6:].replace(".", "").isdigit()
    )
    if is_python:
        return _python(list(argv[1:]))
    path = _which(argv[0])
    if path is None:
        raise UsageError(f"cannot run {argv[0]}: command not found")
    try:
        first = path.read_bytes().split(b"\n", 1)[0]
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    if not (first.startswith(b"#!") and b"python" in first):
        raise UsageError(
            f"cannot run {argv[0]}: the fakefs tier runs only Python programs",
            hint=_USE_FUSE,
        )
    return _script(path, [argv[0], *argv[1:]])


def _which(name: str) -> Path | None:
    """Find the file of a command, beside this Python first."""
    if os.sep in name:
        return Path(name) if Path(name).is_file() else None
    folders = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    found = shutil.which(name, path=os.pathsep.join(folders))
    return None if found is None else Path(found)


def _python(words: list[str]) -> PythonProgram:
    while words and words[0] in ("-u", "-B", "-E", "-s", "-I"):
        words.pop(0)
    if not words or words[0] == "-":
        raise UsageError(
            "cannot run python without a program",
            hint="give a script, -m MODULE or -c CODE",
        )
    if words[0] == "-c":
        code = _compiled(words[1] if len(words) > 1 else "", "<string>")
        return PythonProgram(code, ["-c", *words[2:]], "")
    if words[0] == "-m":
        return _module(words[1:])
    if words[0].startswith("-"):
        raise UsageError(
            f"cannot run python {words[0]}: not supported on the fakefs tier",
            hint=_USE_FUSE,
        )
    return _script(Path(words[0]), words)


def _module(words: list[str]) -> PythonProgram:
    name = words[0] if words else ""
    try:
        spec = importlib.util.find_spec(name) if name else None
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{name}.__main__")
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None:
        raise UsageError(f"cannot run python -m {name}: module not found")
    return _script(Path(spec.origin), [spec.origin, *words[1:]], folder=os.getcwd())


def _script(path: Path, argv: list[str], *, folder: str | None = None) -> PythonProgram:
    try:
        source = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    if folder is None:
        folder = str(path.resolve().parent)
    return PythonProgram(_compiled(source, str(path)), argv, folder)


def _compiled(source: str | bytes, name: str) -> types.CodeType:
    try:
        return compile(source, name, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise UsageError(f"cannot compile {name}: {error}") from None


def run_program(program: PythonProgram) -> int:
    """Run a program as ``__main__`` and return its exit code."""
    module = types.ModuleType("__main__")
    module.__dict__.update(__file__=program.code.co_filename, __builtins__=__builtins__)
    before = sys.argv, sys.path[:], sys.modules["__main__"]
    sys.argv, sys.modules["__main__"] = program.argv, module
    sys.path.insert(0, program.folder)
    try:
        return _exit_code(lambda: exec(program.code, module.__dict__))  # noqa: S102  # the user's program
    finally:
        sys.argv, sys.path[:], sys.modules["__main__"] = before


def _exit_code(run: Callable[[], object]) -> int:
    try:
        run()
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            return (error.code or 0) & 0xFF
        sys.stderr.write(f"{error.code}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    except BaseException:  # as the interpreter does at top level
        traceback.print_exc()
        return 1
    return 0
