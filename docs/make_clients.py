"""Update the outputs in docs/clients.md: ``python docs/make_clients.py``.

Runs the commands of the page and replaces the output shown. Everything else on the page
is written by hand. Needs Debian 12 with the packages that the page names. A test fails
if the page does not show the present output.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "clients.md"
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ (.*(?:\n> .*)*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
_TIMEOUT_S = 120


def output_of(command: str) -> str:
    """Run a command in the repository and return its output."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        check=False,
        cwd=ROOT,
        env={**os.environ, "PATH": path, "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_TIMEOUT_S,
    )
    return done.stdout


def refreshed(text: str) -> str:
    """Return the page with the present output of its commands."""
    return _BLOCK.sub(
        lambda block: "```console\n" + _COMMAND.sub(_run_again, block[1]) + "```", text
    )


def _run_again(found: re.Match[str]) -> str:
    output = output_of(found[1].replace("\n> ", "\n"))
    return f"$ {found[1]}\n{output}"


if __name__ == "__main__":
    PAGE.write_text(refreshed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
