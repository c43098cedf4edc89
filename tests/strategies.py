"""Hypothesis strategies, made from the schema so that they follow it by themselves."""

from __future__ import annotations

import re
import types
import typing
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

from hypothesis import strategies as st

from simkernel.scenario.schema import (
    DeviceEntry,
    DriverEntry,
    KernelImage,
    ModuleEntry,
    PciIdEntry,
    Scenario,
    Sriov,
    VirtualFunction,
)

__all__ = ["file_names", "hosts", "scenarios", "texts"]

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
        keys = spec.metadata.get("keys") if spec is not None else None
        names = file_names if keys is None else st.from_regex(keys, fullmatch=True)
        return st.dictionaries(names, texts, max_size=3)
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


# ---- hosts whose parts mostly fit together

_NAMES = ("alpha", "beta", "gamma_pci")
_DRIVERS = ("alpha", "beta-vfio", "gamma")
_ADDRESSES = (
    "0000:00:01.0",
    "0000:00:01.1",
    "0000:01:00.0",
    "0000:01:00.1",
    "0000:02:1f.7",
    "0001:ff:1f.7",
    "00010000:01:00.0",
)
_IDS = ("1af4:0001", "1af4:0002")

_drivers = st.builds(
    DriverEntry,
    name=st.sampled_from(_DRIVERS),
    ids=st.lists(
        st.builds(
            PciIdEntry,
            id=st.sampled_from((*_IDS, "*:*")),
            override_only=st.booleans(),
        ),
        max_size=2,
    ).map(tuple),
    vfio=st.booleans(),
    sriov=st.booleans(),
    probe_errno=st.sampled_from(("", "", "EINVAL")),
)
_start_drivers = st.sampled_from((*[None] * 8, "none", *_DRIVERS))
_overrides = st.sampled_from((None, *_DRIVERS, "other"))


def _module(name: str) -> st.SearchStrategy[ModuleEntry]:
    return st.builds(
        ModuleEntry,
        name=st.just(name),
        path=st.just(f"kernel/{name}.ko"),
        builtin=st.sampled_from((False, False, True)),
        depends=st.lists(
            st.sampled_from(_NAMES[: _NAMES.index(name)] or ("none",)),
            max_size=1 if name != _NAMES[0] else 0,
        ).map(tuple),
        drivers=st.lists(_drivers, max_size=2).map(tuple),
        init_errno=st.sampled_from(("", "", "ENODEV")),
    )


_sriov = st.builds(
    Sriov,
    total_vfs=st.integers(1, 4),
    vf_device=st.just("0002"),
    offset=st.sampled_from((1, 2, 8, 300, 0)),
    stride=st.sampled_from((1, 1, 2, 0)),
    enabled=st.integers(0, 2),
    vf_netdev=st.sampled_from(("", "v{index}")),
    vf_driver=_start_drivers,
    vfs=st.lists(
        st.builds(
            VirtualFunction,
            index=st.integers(0, 2),
            driver=_start_drivers,
            driver_override=_overrides,
        ),
        max_size=2,
    ).map(tuple),
)


def _device(address: str) -> st.SearchStrategy[DeviceEntry]:
    return st.builds(
        DeviceEntry,
        address=st.just(address),
        id=st.sampled_from(_IDS),
        secondary_bus=st.sampled_from(("", "", "00", "01", "02")),
        iommu_group=st.none() | st.integers(0, 3),
        iommu=st.sampled_from((True, True, True, False)),
        answers=st.sampled_from((True, True, True, False)),
        created_by=st.sampled_from(("", "", "", *_ADDRESSES[:2])),
        driver=_start_drivers,
        driver_override=_overrides,
        sriov=st.none() | _sriov,
    )


def _some(names: tuple[str, ...], make: Any) -> st.SearchStrategy[tuple[Any, ...]]:
    chosen = st.lists(st.sampled_from(names), unique=True)
    return chosen.flatmap(lambda some: st.tuples(*map(make, some)))


def hosts() -> st.SearchStrategy[Scenario]:
    """Hosts with few modules and functions, which often come up."""
    return st.builds(
        Scenario,
        kernel=st.builds(
            KernelImage,
            release=st.sampled_from(("5.10.0", "6.12.0", "7.3.0")),
            iommu=st.booleans(),
        ),
        modules=st.tuples(*map(_module, _NAMES)),
        loaded=st.lists(st.sampled_from(_NAMES), max_size=2).map(tuple),
        devices=_some(_ADDRESSES, _device),
    )
