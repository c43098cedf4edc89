"""Every document that resolver prints, on every scenario, is as its schema says.

The schemas let members be added; here they must not, so that none stays undescribed.
"""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from resolver.matching.driver_state import DriverState
from simkernel.scenario.render import installed, load
from simkernel.scenario.schema import Scenario
from tests.simulated import Session, session

SCHEMAS = Path(__file__).parents[2] / "docs" / "schema"
VF = "0000:3b:00.2"
LARGE = {"many_vfs"}
"""Hosts whose size adds no other kind of document."""


def strict(node: Any) -> Any:
    """Return a schema whose objects have the members that are named, and no others."""
    if isinstance(node, list):
        return [strict(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {key: strict(value) for key, value in node.items()}
    if "required" in node and "properties" in node and "oneOf" not in node:
        made["additionalProperties"] = False
    return made


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / name).read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(strict(deepcopy(schema)))


DOCUMENTS = validator("resolver-1.json")
JOURNAL = validator("resolver-journal-2.json")
PERSISTENT = validator("resolver-persistent-1.json")


def check(text: str, with_schema: Draft202012Validator = DOCUMENTS) -> Any:
    document = json.loads(text)
    problems = [
        f"{error.json_path}: {error.message}"
        for error in with_schema.iter_errors(document)
    ]
    assert problems == []
    return document


def run(host: Session, *arguments: str) -> Any:
    done = host.run("resolver", *arguments)
    assert done.stdout, done.stderr
    return check(done.stdout)


def target(scenario: Scenario) -> str:
    """Return the device that the scenario is about."""
    if scenario.expected is not None:
        return scenario.expected.device
    return scenario.devices[-1].address if scenario.devices else VF


@pytest.mark.parametrize("name", sorted(set(installed()) - LARGE))
def test_documents_are_as_described(name: str) -> None:
    """Looking, binding, and giving back, as it comes out on each host."""
    scenario = load(name, {})
    device = target(scenario)
    with session(scenario) as host:
        run(host, "devices", "--json")
        run(host, "explain", "--json", device, "0000:ff:1f.7")
        run(host, "doctor", "--json")
        run(host, "bind", "--json", "--dry-run", device)
        run(host, "bind", "--json", device, "0000:ff:1f.7")
        run(host, "status", "--json")
        for record in host.names("/run/resolver"):
            if record.endswith(".json"):
                text = Path(f"/run/resolver/{record}").read_text()
                check(text, JOURNAL)
        run(host, "unbind", "--json", device)
        run(host, "restore", "--json", device, "0000:ff:1f.7")


@pytest.mark.parametrize("driverctl", ["no", "yes"])
def test_documents_about_persistence_are_as_described(driverctl: str) -> None:
    """Nodes, files, what boot does with them, and the end of it."""
    with session(load("booting_host", {"driverctl": driverctl})) as host:
        run(host, "bind", "--json", "--persist", VF)
        run(host, "bind", "--json", "--uid", "107", "--gid", "64", VF)
        record = Path(f"/etc/resolver/persistent/pci-{VF}.json").read_text()
        check(record, PERSISTENT)
        run(host, "boot", "--json", f"pci-{VF}", "pci-0000:ff:1f.7")
        run(host, "unpersist", "--json", "--dry-run", "--all")
        run(host, "unpersist", "--json", VF, "0000:ff:1f.7")
        document = run(host, "unpersist", "--json", VF)
        assert document["devices"][0]["exit_code"] == 4


def test_documents_of_resolve_are_as_described() -> None:
    """What is known, what is not, and what is no modalias."""
    with session(load("mlx5_vfio_pci", {})) as host:
        known = "pci:v000015B3d0000101Esv000015B3sd00000016bc02sc00i00"
        other = "usb:v1D6Bp0002d0612dc09dsc00dp00ic09isc00ip00in00"
        run(host, "resolve", "--json", known, other, "nonsense")
        run(host, "explain", "--json", known)


def test_documents_of_lint_are_as_described() -> None:
    """A whole module directory, what modules.alias says, and what is not there."""
    with session(load("alias_tie", {})) as host:
        (release,) = host.names("/lib/modules")
        directory = f"/lib/modules/{release}"
        tree = run(host, "lint", "--format", "json", directory)
        run(host, "lint", "--format", "json", f"{directory}/modules.alias", "nosuch.ko")
    assert {one["id"] for one in tree["findings"]} == {"alias-tie"}


def test_each_driver_state_is_described() -> None:
    """The schema and docs/json.md list the states that the code knows."""
    schema = json.loads((SCHEMAS / "resolver-1.json").read_text())
    page = (SCHEMAS.parent / "json.md").read_text()

    states = get_args(DriverState)

    described = schema["$defs"]["device"]["properties"]["state"]["enum"]
    assert sorted(states) == sorted(described)
    assert [one for one in states if f"`{one}`" not in page] == []


def test_a_member_that_is_not_described_is_found() -> None:
    """The check is as strict as it says."""
    with session(load("mlx5_vfio_pci", {})) as host:
        document = json.loads(host.run("resolver", "devices", "--json").stdout)
    document["devices"][0]["more"] = 1
    assert not DOCUMENTS.is_valid(document)
    del document["devices"][0]["more"]
    assert DOCUMENTS.is_valid(document)
    published = json.loads((SCHEMAS / "resolver-1.json").read_text())
    document["devices"][0]["more"] = 1
    assert Draft202012Validator(published).is_valid(document)
