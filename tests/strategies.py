"""Hypothesis strategies, made from the schema so that they follow it by themselves."""

from __future__ import annotations

import re
import types
import typing
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

from hypothesis import strategies as st

from simkernel.scenario.schema import Scenario

__all__ = ["file_names", "scenarios", "texts"]

NULLS = ("", "null", "~")
"""What a scenario file means by these is that nothing is there."""

texts = st.text(max_size=20)
"""Anything that a YAML file can hold."""
file_names = st.from_regex(r"[^/\0]{1,20}", fullmatch=True).filter(
    lambda name: name not in (".", "..") and name.isprintable()
)


def scenarios() -> st.SearchStrategy[Scenario]:
    """Scenarios that the schema allows; their parts need not fit together."""
    return instances(Scenario)


def instances(cls: type[Any]) -> st.SearchStrategy[Any]:
    """Instances of a schema class, every key given or left at its default."""
    hints = typing.get_type_hints(cls)
    required, optional = {}, {}
    for spec in fields(cls):
        has_default = not (spec.default is spec.default_factory is MISSING)
        chosen = optional if has_default else required
        chosen[spec.name] = _values(hints[spec.name], spec)
    return st.fixed_dictionaries(required, optional=optional).map(
        lambda values: cls(**values)
    )


def _values(wanted: Any, spec: Field[Any] | None = None) -> st.SearchStrategy[Any]:
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (types.UnionType, typing.Union):
        return st.none() | _values(arguments[0], spec).filter(_is_something)
    if origin is tuple:
        return st.lists(_values(arguments[0], spec), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(file_names, texts, max_size=3)
    if is_dataclass(wanted):
        return instances(typing.cast(type[Any], wanted))
    if wanted is bool:
        return st.booleans()
    if wanted is int:
        return st.integers(min_value=-(10**18) + 1, max_value=10**18 - 1)
    return _texts(spec)


def _texts(spec: Field[Any] | None) -> st.SearchStrategy[str]:
    pattern = spec.metadata.get("pattern") if spec is not None else None
    if pattern is None:
        return texts
    return st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True)


def _is_something(value: object) -> bool:
    return value not in NULLS
