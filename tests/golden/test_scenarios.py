"""Every scenario with the real ``resolver`` on it, against its own expectation and
against stored results.

``pytest tests/golden --update-golden`` stores the results anew; the difference is for
review.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from simkernel.scenario.render import find, installed, load
from tests.golden.cases import BENCHES, CASES, FOLDER, Story
from tests.simulated import Result, difference, session, tree_with_modules


def test_resolver_does_what_the_scenario_expects(story: Story) -> None:
    """The driver afterwards, success, and the modules loaded and not loaded are those
    of the scenario's ``expected``."""
    expected, modules = story.expected, set(story.after_bind.modules)

    assert expected.driver == story.after_bind.driver
    assert expected.succeeds == (story.bind.exit_code == 0), story.bind.stderr
    assert set() == set(expected.modules_loaded) - modules
    assert set() == set(expected.modules_not_loaded) & modules


def test_results_are_the_stored_ones(story: Story, update_golden: bool) -> None:
    """Plan, exit codes, talk, modules and every changed file are as stored."""
    path = FOLDER / f"{story.case.name}.json"
    results = json.dumps(_results(story), indent=1) + "\n"
    if update_golden:
        path.write_text(results)

    assert path.is_file(), "run pytest tests/golden --update-golden, and review"
    assert path.read_text() == results


def _results(story: Story) -> dict[str, Any]:
    loaded = story.start.modules
    return {
        "dry_run": _shown(story.dry_run),
        "bind": _shown(story.bind),
        "modules_loaded": [
            one for one in story.after_bind.modules if one not in loaded
        ],
        "changes": difference(story.start.tree, story.after_bind.tree),
        "restore": _shown(story.restore),
    }


def _shown(result: Result) -> dict[str, Any]:
    return {
        "exit_code": result.exit_code,
        "stdout": json.loads(result.stdout),
        "stderr": result.stderr.splitlines(),
    }


def _changed(result: Result) -> bool:
    (device,) = json.loads(result.stdout)["devices"]
    return bool(device["changed"])


def test_dry_run_changes_nothing(story: Story) -> None:
    """A dry run writes nothing, loads no module and leaves every file as it was."""
    assert story.start == story.after_dry_run


def test_dry_run_tells_the_steps_that_are_done(story: Story) -> None:
    """What is foreseen is what happens: the same actions in the same order. A bind
    that failed and was undone tells none."""
    (foreseen,) = json.loads(story.dry_run.stdout)["devices"]
    (done,) = json.loads(story.bind.stdout)["devices"]
    expected = foreseen["steps"] if story.expected.succeeds else []

    assert [step["action"] for step in expected] == [
        step["action"] for step in done["steps"]
    ]


def test_binding_again_changes_nothing_more(story: Story) -> None:
    """A second bind writes nothing if the first one did its work."""
    if story.again is None:
        assert not story.expected.succeeds
        return

    assert story.again.exit_code == 0
    assert not _changed(story.again)
    assert story.after_bind == story.after_again


def test_restore_brings_back_everything_but_the_modules(story: Story) -> None:
    """After bind and restore the host is one on which modules were loaded, no more."""
    is_remembered = story.bind.exit_code == 0 and _changed(story.bind)
    gone = next((one.remove for one in story.scenario.faults), "")

    assert (0 if is_remembered else 4) == story.restore.exit_code, story.restore.stderr
    assert story.after_restore.tree == tree_with_modules(
        story.scenario, story.after_restore.modules, gone=gone
    )


def test_stored_results_and_cases_match_one_to_one() -> None:
    """No result without its scenario, and no scenario without result."""
    assert sorted(case.name for case in CASES) == sorted(
        path.stem for path in FOLDER.glob("*.json")
    )


def test_only_benches_expect_nothing() -> None:
    """Every scenario says what binding should come to, the benches apart."""
    silent = {name for name in installed() if load(name).expected is None}

    assert silent <= BENCHES, "give it an 'expected', or name it in cases.py"


@pytest.mark.parametrize("name", installed())
def test_scenario_introduces_itself(name: str) -> None:
    """A description of one sentence, and one for every parameter."""
    template = find(name)

    assert template.description.endswith(".")
    assert [
        key for key, one in template.parameters.items() if not one.description
    ] == []


def test_skeleton_is_a_scenario_that_works() -> None:
    """What is there to be copied binds as it says, under another name than listed."""
    path = FOLDER.parents[1] / "scenarios/_skeleton.yaml.j2"
    scenario = load(str(path))
    assert scenario.expected is not None

    with session(scenario) as host:
        result = host.run("resolver", "bind", scenario.expected.device)

    assert result.exit_code == 0, result.stderr
    assert scenario.expected.driver == host.driver(scenario.expected.device)
    assert "_skeleton" not in installed()
