"""The module trees of the scenarios: the real kmod and ours answer the same."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from simkernel.host.files import PlainFiles
from simkernel.host.host import Host
from simkernel.kmod import commands
from simkernel.scenario.render import installed
from tests.bench import host_of

FORCE = "SIMKERNEL_FORCE_KMOD"
MISSING = [tool for tool in ("modprobe", "modinfo") if not shutil.which(tool)]

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        bool(MISSING) and not os.environ.get(FORCE),
        reason=f"no {', '.join(MISSING)}: install package kmod; {FORCE}=1 forces it",
    ),
]
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


def _questions(host: Host) -> list[list[str]]:
    """Return what to ask: by alias of every device, and about every module.

    What is loaded plays no part in the answers.
    """
    modaliases = {one.modalias for one in host.kernel.pci.devices.values()}
    asked = sorted(modaliases | {f"vfio_{one}" for one in modaliases})
    names = [spec.name for spec in host.modules] + ["nosuch"]
    return [
        *(["modprobe", "-R", text] for text in [*asked, *names]),
        *(["modprobe", "-D", text] for text in [*asked, *names]),
        *(["modinfo", name.replace("_", "-")] for name in names),
        *(["modinfo", "-F", "alias", name] for name in names),
    ]


def _real(argv: list[str], root: Path, release: str) -> tuple[int, str, str]:
    where = {
        "modprobe": ["-d", str(root), "-S", release, "-C", f"{root}/etc/modprobe.d"],
        "modinfo": ["-b", str(root), "-k", release],
    }[argv[0]]
    done = subprocess.run(
        [argv[0], *where, *argv[1:]],
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
    )
    return done.returncode, *(
        text.replace(str(root), "") for text in (done.stdout, done.stderr)
    )


@pytest.mark.parametrize("scenario", [one for one in installed() if one != "many_vfs"])
def test_kmod_answers_the_same_on_the_tree_of(scenario: str, tmp_path: Path) -> None:
    """Which module an alias means, what a module needs, and what modinfo prints."""
    host = host_of(scenario)
    release = host.kernel.release
    plain = dict(host.module_files()) | host.files
    for path, data in plain.items():
        target = tmp_path / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    (tmp_path / "etc/modprobe.d").mkdir(parents=True, exist_ok=True)
    context = host.context(PlainFiles(host.kernel, plain), environment=ENVIRONMENT)

    differences = []
    for argv in _questions(host):
        result = commands.run(argv, context)
        ours = result.returncode, result.stdout.decode(), result.stderr.decode()
        real = _real(argv, tmp_path, release)
        if ours != real:
            differences.append((argv, real, ours))

    assert differences == []
