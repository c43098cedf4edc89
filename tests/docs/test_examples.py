"""Every command shown in the documents prints what is shown.

A fenced block of kind ``console`` holds commands after ``$ `` and their output; a
line ``...`` stands for any lines. A block whose first line ends in ``file=NAME`` is
a file that the commands of the same document find.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
DOCUMENTS = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    # clients.md has a test of its own, beside those of the clients.
    *(one for one in sorted(ROOT.glob("docs/*.md")) if one.name != "clients.md"),
)
BLOCK = re.compile(r"^```(\S+)(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """A command with the output that a document shows."""

    document: Path
    line: int
    command: str
    output: str

    def __str__(self) -> str:
        """Return what names it in the list of tests."""
        return f"{self.document.relative_to(ROOT)}:{self.line}"


def examples(document: Path) -> Iterator[Example]:
    """Yield the examples of a document."""
    text = document.read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        if block[1] != "console":
            continue
        first = text.count("\n", 0, block.start()) + 2
        command, output, start = "", "", 0
        for number, line in enumerate(block[3].splitlines(keepends=True), first):
            if line.startswith("$ "):
                if command:
                    yield Example(document, start, command, output)
                command, output, start = line[2:], "", number
            elif command.endswith("\\\n"):
                command += line
            else:
                output += line
        yield Example(document, start, command, output)


def pattern(output: str) -> str:
    """Return a shown output as a regular expression."""
    lines = output.splitlines(keepends=True)
    return "".join(
        "(?:.*\n)*?" if line == "...\n" else re.escape(line) for line in lines
    )


@pytest.mark.parametrize(
    "example", [one for each in DOCUMENTS for one in examples(each)], ids=str
)
def test_command_prints_what_is_shown(example: Example, tmp_path: Path) -> None:
    """The command prints what the document says, on a terminal of no width."""
    for _, name, content in BLOCK.findall(example.document.read_text(encoding="utf-8")):
        if name:
            (tmp_path / name).write_text(content, encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    done = subprocess.run(
        ["bash", "-c", example.command],
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )

    if not re.fullmatch(pattern(example.output), done.stdout):
        assert example.output == done.stdout
