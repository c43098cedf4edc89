"""Plain data to schema classes: every problem is found, and told with its place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from simkernel.errors import ScenarioError
from simkernel.scenario.convert import from_data, to_data
from simkernel.scenario.render import dump, parse
from simkernel.scenario.schema import (
    DeviceEntry,
    KernelImage,
    Scenario,
    VirtualFunction,
)
from tests.strategies import scenarios

KERNEL = "kernel: {release: 6.12.0}\n"


def problems_of(cls: type[Any], data: object) -> list[str]:
    """Return what is wrong with the data of a schema class."""
    problems: list[str] = []
    from_data(cls, data, problems)
    return problems


@given(scenarios())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_parsing_what_was_dumped_is_the_identity(scenario: Scenario) -> None:
    """``dump`` writes a text that ``parse`` reads back as an equal scenario."""
    assert parse(dump(scenario)) == scenario


@given(scenarios())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_data_hold_texts_lists_and_mappings_only(scenario: Scenario) -> None:
    """``to_data`` leaves nothing that a YAML writer would write in a way of its own."""

    def check(value: object) -> None:
        if isinstance(value, dict):
            for key, one in value.items():
                assert isinstance(key, str)
                check(one)
        elif isinstance(value, list):
            for one in value:
                check(one)
        else:
            assert value is None or isinstance(value, str)

    check(to_data(scenario))


def test_addresses_are_no_numbers_of_base_sixty() -> None:
    """An address needs no quotes, though YAML 1.1 would read some as numbers."""
    text = KERNEL + "devices: [{address: 0000:01:00.0, id: 8086:1234, class: 020000}]"

    (device,) = parse(text).devices

    assert device.address == "0000:01:00.0"
    assert device.id == "8086:1234"
    assert device.class_ == "020000"


def test_words_for_truth_are_texts_where_a_text_is_wanted() -> None:
    """``no``, ``on`` and ``null`` stay what they are in a name or a description."""
    text = KERNEL + "modules: [{name: on, path: on.ko, description: no, version: null}]"

    (module,) = parse(text).modules

    assert (module.name, module.description, module.version) == ("on", "no", "null")


def test_function_without_group_has_another_key() -> None:
    """The error names it."""
    data = {"address": "0000:01:00.0", "id": "1af4:0001", "iommu_group": "none"}

    assert problems_of(DeviceEntry, data) == [
        "iommu_group: 'none' must be a decimal number; for no group, write iommu: false"
    ]


def test_all_problems_are_reported_at_once() -> None:
    """Each problem of a document is one line, with the place where it is."""
    text = """
kernel: {release: six, iommu: perhaps}
modules:
  - {name: a-b, path: /a.ko, depends: x, drivers: [{name: d, ids: [{id: 15b3}]}]}
  - name: c
devices:
  - {address: 0000:3B:00.0, id: "15b3:101e", colour: red}
faults: [{at_write: first}]
"""

    with pytest.raises(ScenarioError) as caught:
        parse(text, source="host.yaml")

    assert [one.partition(": ")[0] for one in caught.value.problems] == [
        "kernel.release",
        "kernel.iommu",
        "modules[0].name",
        "modules[0].path",
        "modules[0].depends",
        "modules[0].drivers[0].ids[0].id",
        "modules[1].path",
        "devices[0].colour",
        "devices[0].address",
        "faults[0].at_write",
    ]
    assert str(caught.value).splitlines()[0] == (
        "host.yaml: kernel.release: 'six' must be a release like 6.12.117-amd64"
    )


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("", "document: must be a mapping of keys to values"),
        ([], "document: must be a mapping of keys to values"),
        ({}, "release: missing key"),
        ({"release": ["6.12"]}, "release: must be a single value, not a list or mapp"),
        ({"release": "6.12", "iommu": {}}, "iommu: must be a single value, not a list"),
        ({"release": "6.12", "iommu": "2"}, "iommu: '2' must be true or false"),
        ({"release": "6.12", "buses": "platform"}, "buses: must be a list"),
        ({"release": "6.12", "iomu": "true"}, "iomu: unknown key; did you mean iommu?"),
        (
            {"release": "6.12", "x": "1"},
            "x: unknown key; docs/scenario.md lists",
        ),
        (
            {"release": "\u0666.1"},
            "release: '\u0666.1' must be a release like 6.12.117",
        ),
        ({"release": "6.12\n"}, "release: '6.12\\n' must be a release like"),
    ],
)
def test_invalid_data_are_reported(data: object, problem: str) -> None:
    """The problem names the place and the expected form."""
    (told,) = problems_of(KernelImage, data)

    assert told.startswith(problem)


@pytest.mark.parametrize("number", ["1.5", "0x10", "1_000", "\u0661", "9" * 19, "+1"])
def test_numbers_are_decimal_digits(number: str) -> None:
    """A number is written in decimal ASCII digits, and not absurdly long."""
    assert problems_of(VirtualFunction, {"index": number}) == [
        f"index: {number!r} must be a decimal number"
    ]


@pytest.mark.parametrize("name", ["../evil", "a/b", "..", "."])
def test_file_names_are_plain(name: str) -> None:
    """A file of modprobe.d cannot be written anywhere else."""
    data = {"kernel": {"release": "6.12"}, "modprobe_d": {name: "x"}}

    assert problems_of(Scenario, data) == [
        f"modprobe_d.{name}: must be a plain file name"
    ]


def test_empty_key_is_an_empty_list() -> None:
    """``devices:`` with nothing behind it is a host without devices."""
    assert parse(KERNEL + "devices:\n").devices == ()
