"""Parameters and state of a loaded module."""

from __future__ import annotations

from errno import EINVAL, ERANGE

import pytest

from simkernel.model.modules.loaded import Module
from simkernel.model.modules.spec import ModuleSpec, ParameterSpec
from tests.bench import refusal_of


def _module(path: str = "kernel/m.ko") -> Module:
    parameters = (
        ParameterSpec(name="flag", type="bool", default="N"),
        ParameterSpec(name="text", type="charp", default=""),
        ParameterSpec(name="natural", type="uint"),
        ParameterSpec(name="number", default="3"),
    )
    return Module(ModuleSpec(name="m", path=path, parameters=parameters))


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("flag", None, "Y"),
        ("flag", b"1", "Y"),
        ("flag", b"off", "N"),
        ("flag", b"maybe", (EINVAL, "R-MOD-5")),
        ("text", b"a\xe9\0b", "a\xe9"),
        ("text", b"", ""),
        ("text", None, (EINVAL, "R-MOD-5")),
        ("natural", b"4294967295", "4294967295"),
        ("natural", b"0x10\n", "16"),
        ("natural", b"4294967296", (ERANGE, "R-MOD-5")),
        ("natural", b"-1", (EINVAL, "R-MOD-5")),
        ("natural", None, (EINVAL, "R-MOD-5")),
        ("number", b"-2147483648", "-2147483648"),
        ("number", b"2147483648", (ERANGE, "R-MOD-5")),
        ("number", b"x", (EINVAL, "R-MOD-5")),
        ("number", None, (EINVAL, "R-MOD-5")),
    ],
)
def test_parameter_is_set_by_its_type(
    name: str, data: bytes | None, expected: str | tuple[int, str]
) -> None:
    """R-MOD-5: a value that is refused changes nothing."""
    module = _module()
    before = dict(module.parameters)

    if isinstance(expected, tuple):
        assert expected == refusal_of(lambda: module.set_parameter(name, data))
        assert before == module.parameters
    else:
        module.set_parameter(name, data)
        assert {**before, name: expected} == module.parameters


def test_unknown_parameter_is_ignored() -> None:
    """As the kernel does, with a line in its log."""
    module = _module()

    module.set_parameter("other", b"1")

    assert module.parameters == {"flag": "N", "text": "", "natural": "0", "number": "3"}


def test_parameter_is_a_number() -> None:
    """``Y`` is 1; a parameter that does not exist is 0."""
    module = _module()
    numbers = [module.number(one) for one in ("flag", "number", "other")]
    module.set_parameter("flag", b"y")

    assert numbers == [0, 3, 0]
    assert module.number("flag") == 1


def test_new_module_is_unused() -> None:
    """Holders and mounts count as users."""
    module = _module()
    assert (module.drivers, module.devices, module.holders) == ([], [], {})
    assert (module.used, module.pins, module.refcnt) == ([], 0, 0)

    module.pins = 2
    module.holders = {"a": module}

    assert module.refcnt == 3


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("kernel/m.ko", ""),
        ("updates/m.ko", "OE"),
        ("kernelx/m.ko", "OE"),
        ("extra/kernel/m.ko", "OE"),
    ],
)
def test_module_outside_the_tree_taints(path: str, expected: str) -> None:
    """Out of tree, and unsigned."""
    assert expected == _module(path).taint
