"""The examples run as a consumer would run them, CI jobs included."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.fuse import needs_fuse

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """A copy of the examples; what their tests leave is not in the checkout."""
    ignored = shutil.ignore_patterns("__pycache__", ".pytest_cache", "*.out", "vfs")
    return Path(shutil.copytree(ROOT / "examples", tmp_path / "ex", ignore=ignored))


def run(
    folder: Path, *argv: str, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command of a consumer's, with this Python's commands first."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    variables = {**os.environ, "PATH": path, "PYTEST_ADDOPTS": "", **(env or {})}
    return subprocess.run(
        argv,
        check=False,
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )


@pytest.mark.parametrize("via", ["fakefs", pytest.param("fuse", marks=needs_fuse)])
def test_python_project_passes_on_every_tier(examples: Path, via: str) -> None:
    """The same tests, in one process or with a process for each program."""
    done = run(
        examples / "python",
        *("pytest", "-p", "no:cacheprovider", "--sim-via", via),
        *("--sim-record-trace", "traces"),
    )

    assert done.returncode == 0, done.stdout
    assert " 8 passed" in done.stdout
    traces = list((examples / "python/traces").iterdir())
    assert len(traces) == 8
    for trace in traces:
        for line in trace.read_text(encoding="utf-8").splitlines():
            assert json.loads(line)["op"]


@needs_fuse
def test_python_project_passes_in_parallel(examples: Path) -> None:
    """Several hosts at a time."""
    done = run(examples / "python", "pytest", "-q", "-n", "2", "--sim-via", "fuse")

    assert done.returncode == 0, done.stdout


def test_python_project_fails_if_its_tool_does(examples: Path) -> None:
    """Without its undo, the tests of the undo fail, and only those."""
    tool = examples / "python/give_vf.py"
    text = tool.read_text(encoding="utf-8")
    undo = 'write(device / "driver_override", "\\n")'
    assert text.count(undo) == 1
    tool.write_text(text.replace(undo, "pass"), encoding="utf-8")

    done = run(examples / "python", "pytest", "--sim-via", "fakefs")

    assert "2 failed, 6 passed" in done.stdout, done.stdout
    assert "+driver_override: vfio-pci" in done.stdout


@needs_fuse
def test_c_project_passes(examples: Path) -> None:
    """``make check`` with a static program."""
    done = run(examples / "c", "make", "check")

    assert done.returncode == 0, done.stdout


@needs_fuse
def test_c_project_fails_if_its_tool_does(examples: Path) -> None:
    """The difference is shown."""
    source = examples / "c/vfs.c"
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace('"driver", driver', '"subsystem", driver'))

    done = run(examples / "c", "make", "check")

    assert done.returncode != 0
    assert "-0000:3b:00.2 mlx5_core 2\n" in done.stdout


@needs_fuse
def test_shell_project_passes(examples: Path) -> None:
    """Each check says so."""
    done = run(examples / "shell", "./check.sh")

    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ok: ") == 4


@needs_fuse
def test_shell_project_fails_if_its_script_does(examples: Path) -> None:
    """The check that failed is named."""
    script = examples / "shell/release.sh"
    text = script.read_text(encoding="utf-8")
    script.write_text(text.replace("exit 4", "exit 1"), encoding="utf-8")

    done = run(examples / "shell", "./check.sh")

    assert done.returncode == 1
    assert "FAILED: an unknown function is an error" in done.stdout


@needs_fuse
def test_github_job_passes(examples: Path, tmp_path: Path) -> None:
    """The steps of the job one after the other, but for those that prepare a machine.

    The runner's part is to put what a step adds to GITHUB_PATH before PATH.
    """
    job = yaml.safe_load((examples / "ci/github-actions.yml").read_text("utf-8"))
    (job,) = job["jobs"].values()
    added = tmp_path / "path"
    added.touch()
    ran = 0
    for step in job["steps"]:
        lines = step.get("run", "").splitlines()
        if lines and all(line.startswith("sudo ") for line in lines):
            continue
        script = "\n".join(
            ["set -eo pipefail", *map(_add_to_path, _read_lines(added)), *lines]
        )
        done = run(
            examples,
            "bash",
            "-c",
            script,
            env={"GITHUB_PATH": str(added), "PACKAGE": f"{ROOT}[fuse]"},
        )
        assert done.returncode == 0, done.stdout
        ran += bool(lines)

    assert ran == 4
    assert (examples / "python/report.xml").is_file()


def _read_lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def _add_to_path(folder: str) -> str:
    return f"PATH={shlex.quote(folder)}:$PATH"


@needs_fuse
def test_gitlab_job_passes(examples: Path) -> None:
    """The lines of ``script`` in one shell; ``before_script`` prepares a machine."""
    job = yaml.safe_load((examples / "ci/gitlab-ci.yml").read_text("utf-8"))
    (job,) = job.values()
    assert all(line.startswith("apt-get ") for line in job["before_script"])

    done = run(
        examples,
        "sh",
        "-c",
        "\n".join(["set -e", *job["script"]]),
        env={"PACKAGE": f"{ROOT}[fuse]"},
    )

    assert done.returncode == 0, done.stdout
    assert (examples / "python/report.xml").is_file()
