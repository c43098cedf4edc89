"""Convert plain data to the schema's dataclasses and back.

Every scalar is a string; the schema determines its type. YAML would read addresses such
as ``0000:01:00.0`` as base-60 numbers.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterable
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar

from simkernel.suggest import did_you_mean

__all__ = ["from_data", "to_data"]

T = TypeVar("T")

_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")


def from_data(cls: type[T], data: object, problems: list[str], where: str = "") -> T:
    """Return an instance of a schema class.

    :param data: mappings, lists and strings.
    :param problems: receives each problem found, as ``place: problem``. After a problem
        the returned value is invalid.
    :param where: place of ``data`` in the document, like ``devices[2]``.
    """
    if not isinstance(data, dict):
        problems.append(f"{where or 'document'}: must be a mapping of keys to values")
        return typing.cast(T, None)
    known = {_key(one): one for one in fields(cls)}  # type: ignore[arg-type]  # every schema class is a dataclass
    for key in data:
        if key not in known:
            problems.append(f"{_join(where, key)}: unknown key{_advice(key, known)}")
    hints: dict[str, Any] = _hints(cls)  # type: ignore[arg-type]  # classes hash
    values: dict[str, Any] = {}
    for key, spec in known.items():
        place = _join(where, key)
        if key in data:
            values[spec.name] = _value(
                hints[spec.name], spec, data[key], problems, place
            )
        elif spec.default is MISSING and spec.default_factory is MISSING:
            problems.append(f"{place}: missing key")
    return cls(**values) if not problems else typing.cast(T, None)


def _value(
    wanted: Any, spec: Field[Any] | None, data: object, problems: list[str], where: str
) -> Any:
    """Convert one value to the type in the schema."""
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (types.UnionType, typing.Union):
        if data in ("null", "~", ""):
            return None
        return _value(arguments[0], spec, data, problems, where)
    if origin is tuple:
        return _sequence(arguments[0], spec, data, problems, where)
    if origin is dict:
        return _mapping(spec, data, problems, where)
    if is_dataclass(wanted):
        return from_data(typing.cast(type[Any], wanted), data, problems, where)
    return _scalar(wanted, spec, data, problems, where)


def _sequence(
    wanted: Any, spec: Field[Any] | None, data: object, problems: list[str], where: str
) -> tuple[Any, ...]:
    if data == "":  # a key without a value
        return ()
    if not isinstance(data, list):
        problems.append(f"{where}: must be a list")
        return ()
    return tuple(
        _value(wanted, spec, one, problems, f"{where}[{index}]")
        for index, one in enumerate(data)
    )


def _mapping(
    spec: Field[Any] | None, data: object, problems: list[str], where: str
) -> dict[str, str]:
    if not isinstance(data, dict):
        problems.append(f"{where}: must be a mapping of names to texts")
        return {}
    metadata = spec.metadata if spec is not None else {}
    pattern = metadata.get("keys", r"(?!\.\.?$)[^/\0]+")
    for key, value in data.items():
        if not re.fullmatch(pattern, key):
            meaning = metadata.get("keys_meaning", "a plain file name")
            problems.append(f"{_join(where, key)}: must be {meaning}")
        if not isinstance(value, str):
            problems.append(f"{_join(where, key)}: must be a text")
    return data


def _scalar(
    wanted: Any, spec: Field[Any] | None, data: object, problems: list[str], where: str
) -> Any:
    if not isinstance(data, str):
        problems.append(f"{where}: must be a single value, not a list or mapping")
        return None
    if wanted is bool:
        if data.lower() not in _TRUE + _FALSE:
            problems.append(f"{where}: {data!r} must be true or false")
        return data.lower() in _TRUE
    if wanted is int:
        if not re.fullmatch(r"-?\d{1,18}", data, re.ASCII):
            advice = spec.metadata.get("advice", "") if spec is not None else ""
            problems.append(f"{where}: {data!r} must be a decimal number{advice}")
            return 0
        return int(data)
    pattern = spec.metadata.get("pattern") if spec is not None else None
    if pattern is not None and not re.fullmatch(pattern, data, re.ASCII):
        meaning = typing.cast("Field[Any]", spec).metadata["meaning"]
        problems.append(f"{where}: {data!r} must be {meaning}")
    return data


def to_data(value: Any) -> Any:
    """Return plain data that :func:`from_data` reads back.

    Values at their default are omitted.
    """
    if is_dataclass(value):
        return {
            _key(one): to_data(getattr(value, one.name))
            for one in fields(value)
            if getattr(value, one.name) != _default(one)
        }
    if isinstance(value, tuple):
        return [to_data(one) for one in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, dict):
        return value
    return str(value)


def _default(spec: Field[Any]) -> Any:
    if spec.default_factory is not MISSING:
        return spec.default_factory()
    return spec.default


def _advice(key: str, known: Iterable[str]) -> str:
    """Return the end of a message about an unknown key."""
    return did_you_mean(key, known) or "; docs/scenario.md lists the keys"


def _key(spec: Field[Any]) -> str:
    """Return the key in the document, such as ``class``."""
    return spec.name.rstrip("_")


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


@cache
def _hints(cls: type[Any]) -> dict[str, Any]:
    return typing.get_type_hints(cls)
