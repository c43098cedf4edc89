"""The subset of sh that ``install`` and ``remove`` lines use.

Runs ``true``, ``false``, ``:``, ``echo``, ``exit`` and the commands of this package,
joined by ``;``, ``&&`` and ``||``; variables, quotes, and redirections to
``/dev/null``. Anything else is a command that does not exist.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from simkernel.kmod.process import ExitCommand, Process, Streams

__all__ = ["run"]

_TOKEN: Final = re.compile(
    r"""[ \t\r]*(?:
    (?P<operator>&&|\|\||[;\n])
    |(?P<redirection>[12]?>>?\s*&?\s*[^\s;&|]+)
    |(?P<word>(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s;&|>"'\\])+)
    |(?P<other>\S)
    )""",
    re.VERBOSE | re.DOTALL,
)
_PIECE: Final = re.compile(
    r"""'(?P<plain>[^']*)'|"(?P<quoted>(?:\\.|[^"\\])*)"|\\(?P<escaped>.)|(?P<bare>[^'"\\]+)""",
    re.DOTALL,
)
_VARIABLE: Final = re.compile(r"\$(?:(\w+)|\{(\w+)\})", re.ASCII)


def run(process: Process, command: str, module: str) -> int:
    """Run a shell command for a module and return its exit status.

    ``MODPROBE_MODULE`` names the module in its environment. What the calling command
    has printed without flushing comes after the output of the shell command, as on a
    pipe.

    Source: system(3); messages as dash prints them.
    """
    environment = {**process.environment, "MODPROBE_MODULE": module}
    status = 0
    joiner = ";"
    for simple, following in _commands(command):
        skipped = (joiner == "&&" and status != 0) or (joiner == "||" and status == 0)
        joiner = following
        if skipped or not simple:
            continue
        try:
            status = _run_simple(process, simple, environment, status)
        except ExitCommand as exc:
            return exc.returncode
    return status


def _commands(text: str) -> list[tuple[list[str], str]]:
    # Simple commands as lists of raw words, each with the operator after it.
    found: list[tuple[list[str], str]] = []
    words: list[str] = []
    for token in _TOKEN.finditer(text.rstrip()):
        operator = token["operator"]
        if operator is not None:
            found.append((words, operator))
            words = []
        elif token["word"] is not None and token["word"].startswith("#"):
            break
        else:
            words.append(token[0].strip())
    found.append((words, ";"))
    return found


def _run_simple(
    process: Process, raw: list[str], environment: Mapping[str, str], last: int
) -> int:
    # One simple command; `last` is the status before it.
    words = [
        text for word in raw if ">" not in word for text in _words(word, environment)
    ]
    streams = _redirected(process.streams, [word for word in raw if ">" in word])
    if not words:
        return 0
    name, arguments = words[0], words[1:]
    if name == "exit":
        raise ExitCommand(int(arguments[0]) & 255 if arguments else last)
    if name in ("true", ":", "/bin/true", "/usr/bin/true"):
        return 0
    if name in ("false", "/bin/false", "/usr/bin/false"):
        return 1
    if name in ("echo", "/bin/echo", "/usr/bin/echo"):
        streams.stdout += f"{' '.join(arguments)}\n".encode("utf-8", "surrogateescape")
        return 0
    child = Process(words, process.context, dict(environment), streams, process.runner)
    returncode = process.runner(child)
    if returncode is not None:
        return returncode
    streams.stderr += f"sh: 1: {name}: not found\n".encode("utf-8", "surrogateescape")
    return 127


def _redirected(streams: Streams, redirections: list[str]) -> Streams:
    # Where output goes after "> /dev/null", "2>&1" and the like.
    outputs = {"1": streams.stdout, "2": streams.stderr}
    for text in redirections:
        source, _, target = text.partition(">")
        target = target.lstrip("> ")
        if target.startswith("&"):
            outputs[source or "1"] = outputs[target[1:].strip()]
        else:
            outputs[source or "1"] = bytearray()
    return Streams(stdout=outputs["1"], stderr=outputs["2"])


def _words(raw: str, environment: Mapping[str, str]) -> list[str]:
    # The words that one raw word becomes: quotes removed, variables put in and, where
    # they stand bare, split at blanks.
    words: list[str] = []
    current: str | None = None
    for piece in _PIECE.finditer(raw):
        if piece["bare"] is not None:
            parts = re.split(r"[ \t\n]+", _substitute(piece["bare"], environment))
            for at, part in enumerate(parts):
                if at > 0 and current is not None:
                    words.append(current)
                    current = None
                if part:
                    current = (current or "") + part
            continue
        text = piece["plain"] if piece["plain"] is not None else piece["escaped"]
        if piece["quoted"] is not None:
            text = re.sub(
                r"\\([$`\"\\])", r"\1", _substitute(piece["quoted"], environment)
            )
        current = (current or "") + text
    return words if current is None else [*words, current]


def _substitute(text: str, environment: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: environment.get(found[1] or found[2], ""), text)
