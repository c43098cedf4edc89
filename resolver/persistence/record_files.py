"""Files of records: one JSON document each, checked before use.

A record file is untrusted input, like any other file. The journal of the running
system and the records of persistent devices share this format.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from resolver.errors import FailedError, ResolverError
from resolver.linux import Host

__all__ = ["format_document", "load_record", "parse_document", "parse_object"]

_MAX_BYTES = 65_536

Record = TypeVar("Record")


def format_document(schema: str, fields: Mapping[str, object]) -> bytes:
    """Return the content of a record file."""
    return json.dumps({"schema": schema, **fields}, indent=2).encode() + b"\n"


def parse_document(data: bytes, schema: str, fields: Collection[str]) -> dict[str, Any]:
    """Return the fields of a record file; their values are unchecked.

    :param fields: names that the document must have, all of them and no other.
    :raises ValueError: the content is not a document of this schema.
    """
    document = parse_object(data)
    if document.pop("schema", None) != schema:
        raise ValueError(f"it is not a {schema} document")
    if document.keys() != set(fields):
        raise ValueError(f"its fields are not {', '.join(fields)}")
    return document


def parse_object(data: bytes) -> dict[str, Any]:
    """Return the members of a record file, with their schema; all are unchecked.

    :raises ValueError: the content is not a JSON object, or too long.
    """
    if len(data) > _MAX_BYTES:
        raise ValueError(f"it is longer than {_MAX_BYTES} bytes")
    document = json.loads(data.decode("utf-8"))
    if not isinstance(document, dict):
        raise ValueError("it is not a JSON object")
    return document


def load_record(
    host: Host, path: str, parse: Callable[[bytes], Record], *, hint: str
) -> Record | None:
    """Return the record in a file; ``None`` if there is no file.

    :param parse: function that checks the content; it raises ``ValueError`` or a
        ``ResolverError`` for a bad one.
    :param hint: what to do about a damaged file.
    :raises FailedError: the file cannot be read, or is damaged.
    """
    try:
        data = host.read_if_there(path)
    except OSError as problem:
        raise FailedError(
            f"cannot read {path}: {problem.strerror}", errno=problem.errno or 0
        ) from problem
    if data is None:
        return None
    try:
        return parse(data)
    except (ValueError, RecursionError, ResolverError) as problem:
        raise FailedError(
            f"{path} is damaged: {_reason(problem)}", hint=hint
        ) from problem


def _reason(problem: Exception) -> str:
    if isinstance(problem, UnicodeDecodeError):
        return "it is not UTF-8"
    if isinstance(problem, json.JSONDecodeError):
        return f"it is not JSON: {problem}"
    return str(problem)
