"""Operations on a kernel, as values with a text and a JSON form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from simkernel.errors import UsageError
from simkernel.suggest import did_you_mean

__all__ = [
    "Load",
    "Operation",
    "Operations",
    "Plug",
    "Read",
    "Unload",
    "Unplug",
    "Write",
    "from_line",
    "to_json",
    "to_line",
]


@dataclass(frozen=True, slots=True)
class Write:
    """One ``write(2)`` to a file opened for it."""

    path: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Read:
    """A read of a whole file."""

    path: str


@dataclass(frozen=True, slots=True)
class Load:
    """``finit_module(2)`` of a module's file, without its dependencies."""

    module: str
    parameters: str = ""
    """``name=value`` words, separated by blanks."""


@dataclass(frozen=True, slots=True)
class Unload:
    """``delete_module(2)`` with ``O_NONBLOCK``."""

    module: str


@dataclass(frozen=True, slots=True)
class Unplug:
    """A surprise removal: a PCI function no longer answers."""

    address: str


@dataclass(frozen=True, slots=True)
class Plug:
    """An unplugged function answers again."""

    address: str


Operation = Write | Read | Load | Unload | Unplug | Plug
"""Any operation."""

Operations = tuple[Operation, ...]
"""Operations in the order in which they run."""

_FIELDS: dict[str, tuple[str, ...]] = {
    "write": ("path", "data"),
    "read": ("path",),
    "load": ("module", "parameters"),
    "unload": ("module",),
    "unplug": ("address",),
    "plug": ("address",),
}
"""Name and fields of each operation."""
_PLAIN = re.compile(r"[A-Za-z0-9_./:=,+@%-]+")
_RUN = re.compile(r"(.)\1{31,}", re.DOTALL)
"""The same character 32 times or more; written once with a factor."""
_WORD = re.compile(r"\s*(?:'((?:[^'\\]|\\.)*)'(?:\*(\d+))?|([^\s'#]+))(?=\s|'|$)")
_ESCAPE = re.compile(r"\\(n|t|r|0|\\|'|x[0-9a-f]{2})")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "\\": "\\", "'": "'"}


def to_json(operation: Operation) -> dict[str, str]:
    """Return an operation as an object: ``op``, and its fields as text.

    Bytes become the characters of the same number (Latin-1).
    """
    verb = type(operation).__name__.lower()
    parts = {name: getattr(operation, name) for name in _FIELDS[verb]}
    return {"op": verb} | {
        name: part.decode("latin-1") if isinstance(part, bytes) else part
        for name, part in parts.items()
    }


def from_json(made: Mapping[str, str]) -> Operation:
    """Return the operation of an object.

    :raises UsageError: the object is not an operation.
    """
    verb = made.get("op", "")
    if set(made) != {"op", *_FIELDS.get(verb, ("none",))}:
        raise UsageError(f"invalid operation {dict(made)}; known: {', '.join(_FIELDS)}")
    match verb:
        case "write":
            return Write(made["path"], made["data"].encode("latin-1"))
        case "read":
            return Read(made["path"])
        case "load":
            return Load(made["module"], made["parameters"])
        case "unload":
            return Unload(made["module"])
        case "unplug":
            return Unplug(made["address"])
        case _:
            return Plug(made["address"])


def to_line(operation: Operation) -> str:
    r"""Return an operation as one line of text, without newline.

    Data is quoted, other words only if necessary::

        write /sys/bus/pci/drivers_probe '0000:3b:00.2\n'
        load vfio_pci enable_sriov=1
    """
    made = to_json(operation)
    words = [made.pop("op")]
    for name, part in made.items():
        if name == "data":
            words.append(_quoted(part))
        elif part or name != "parameters":
            words.append(part if _PLAIN.fullmatch(part) else _quoted(part))
    return " ".join(words)


def from_line(line: str) -> Operation:
    """Return the operation of a line.

    :raises UsageError: the line is not an operation.
    """
    verb, *parts = _words(line)
    fields = _FIELDS.get(verb, ())
    if verb == "load" and len(parts) == 1:
        parts.append("")
    if not fields or len(parts) != len(fields):
        raise UsageError(
            f"invalid operation {line!r}{did_you_mean(verb, _FIELDS)}",
            hint="write an operation such as: write /sys/bus/pci/rescan '1'",
        )
    return from_json({"op": verb} | dict(zip(fields, parts, strict=True)))


def _quoted(text: str) -> str:
    """Return a quoted text; long runs of a character become ``'x'*100``."""
    pieces: list[str] = []
    start = 0
    for run in _RUN.finditer(text):
        if run.start() > start:
            pieces.append(f"'{_escaped(text[start : run.start()])}'")
        pieces.append(f"'{_escaped(run[1])}'*{len(run[0])}")
        start = run.end()
    if start < len(text) or not pieces:
        pieces.append(f"'{_escaped(text[start:])}'")
    return "".join(pieces)


def _escaped(text: str) -> str:
    names = {character: f"\\{name}" for name, character in _ESCAPED.items()}
    return "".join(
        names.get(one, one if " " <= one <= "~" else f"\\x{ord(one):02x}")
        for one in text
    )


def _words(line: str) -> Iterable[str]:
    """Return the words of a line; adjacent quoted pieces form one word.

    :raises UsageError: a quote is unmatched or misplaced.
    """
    words: list[str] = []
    position, end = 0, len(line.rstrip())
    while position < end:
        found = _WORD.match(line, position, end)
        if found is None:
            raise UsageError(f"{line!r}: unmatched quotes")
        quoted, factor, plain = found.groups()
        text = plain if quoted is None else _unescaped(quoted) * int(factor or 1)
        glued = words and not line[position].isspace() and position
        words[-1:] = [words[-1] + text] if glued else [*words[-1:], text]
        position = found.end()
    return words or [""]


def _unescaped(text: str) -> str:
    def character(found: re.Match[str]) -> str:
        name = found[1]
        return _ESCAPED.get(name) or chr(int(name[1:], 16))

    return _ESCAPE.sub(character, text)
