"""The GitHub Action and the GitLab job of docs/developers.md, by their own scripts."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
WHAT = f"{ROOT}[lint]"
"""Instead of the released package."""


def run(
    script: str, folder: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a script as a runner does, with a temporary folder of its own."""
    temporary = folder / "runner"
    temporary.mkdir(exist_ok=True)
    environment = {**os.environ, "RUNNER_TEMP": str(temporary), "SIMKERNEL": WHAT}
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        timeout=600,
    )


def built(folder: Path, module: Path) -> Path:
    """Put a module where the build of a project leaves it."""
    (folder / "build").mkdir()
    place = folder / "build/acme-vfio-pci.ko"
    place.write_bytes(module.read_bytes())
    return place.rename(place.with_name(module.name))


def inputs(step: dict[str, dict[str, str]], given: dict[str, str]) -> dict[str, str]:
    """Return a step's variables, with what was given for the action's inputs."""
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    values = {key: one.get("default", "") for key, one in action["inputs"].items()}
    values |= given
    found = {}
    for name, text in step.get("env", {}).items():
        match = re.fullmatch(r"\$\{\{ inputs\.(\w+) \}\}", text)
        assert match is not None, text
        found[name] = values[match[1]]
    return found


def test_the_action_lints_and_tries(broken: Path, tmp_path: Path) -> None:
    """Each step passes for what is well, and the fitting ones fail for what is not."""
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    install, lint, attempt = action["runs"]["steps"]
    good = built(tmp_path, broken / "good_vfio_pci.ko").relative_to(tmp_path)
    done = run(install["run"], tmp_path, GITHUB_ACTION_PATH=str(ROOT))
    assert done.returncode == 0, done.stdout + done.stderr

    for step in (lint, attempt):
        done = run(step["run"], tmp_path, **inputs(step, {"modules": str(good)}))
        assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "lint.sarif").read_text("utf-8"))
    assert report["version"] == "2.1.0"
    for step in (lint, attempt):
        bad = {"modules": str(broken / "too_wide_vfio_pci.ko")}
        assert run(step["run"], tmp_path, **inputs(step, bad)).returncode == 1


def test_the_gitlab_job_lints_and_tries(broken: Path, tmp_path: Path) -> None:
    """Its three lines in one shell, as the page has them."""
    page = (ROOT / "docs/developers.md").read_text("utf-8")
    found = re.search(r"```yaml file=gitlab-ci.yml\n(.*?)```", page, re.DOTALL)
    assert found is not None
    (job,) = yaml.safe_load(found[1]).values()
    assert len(job["script"]) == 3
    good = built(tmp_path, broken / "good_vfio_pci.ko").relative_to(tmp_path)
    script = "\n".join(job["script"]).replace("build/acme-vfio-pci.ko", str(good))

    done = run(script, tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "good_vfio_pci.ko): driver good_vfio_pci" in done.stdout
