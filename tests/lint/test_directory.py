"""``resolver lint`` on the module directory of a real kernel.

``SIMKERNEL_LIVE_MODULES`` names it; else it is the newest one in ``/lib/modules``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from resolver.lint.module import Module
from resolver.lint.reading import read_directory
from resolver.linux import Host
from resolver.matching.alias_files import all_aliases

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def directory() -> Path:
    """Return the directory that depmod wrote."""
    named = os.environ.get("SIMKERNEL_LIVE_MODULES")
    found = sorted(Path("/lib/modules").glob("*/modules.alias"))
    if named is None and not found:
        text = "no kernel in /lib/modules; SIMKERNEL_FORCE_LIVE_KERNEL=1 insists on one"
        assert os.environ.get("SIMKERNEL_FORCE_LIVE_KERNEL") != "1", text
        pytest.skip(text)
    return Path(named) if named else found[-1].parent


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for what is kept, which is empty."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def modules(directory: Path, cache: Path) -> list[Module]:
    """Return all modules, as several processes have read them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        found, problem = read_directory(Host(), str(directory), is_cached=True)
    assert problem == ""
    assert [one for one in found if not isinstance(one, Module)] == []
    return [one for one in found if isinstance(one, Module)]


def test_aliases_are_those_that_depmod_found(
    directory: Path, modules: list[Module]
) -> None:
    """Each of them, as often, for each module."""
    data = (directory / "modules.alias").read_bytes()
    theirs = Counter((name, pattern) for _, pattern, name in all_aliases(data))
    ours = Counter(
        (one.name, alias.pattern) for one in modules for alias in one.aliases
    )

    assert ours == theirs


def test_soft_dependencies_are_those_that_depmod_found(
    directory: Path, modules: list[Module]
) -> None:
    """Each of them, for each module."""
    text = (directory / "modules.softdep").read_text()
    theirs = re.findall(r"^softdep (\S+) (.*)$", text, re.MULTILINE)
    ours = [(one.name, text) for one in modules for text in one.softdeps or ()]

    assert sorted(ours) == sorted(theirs)


def test_dependencies_are_those_that_depmod_found(
    directory: Path, modules: list[Module]
) -> None:
    """What a module names is among what depmod found by its symbols."""
    theirs = {}
    for line in (directory / "modules.dep").read_text().splitlines():
        path, _, needs = line.partition(":")
        theirs[_name(path)] = {_name(one) for one in needs.split()}

    assert {one.name for one in modules} == set(theirs)
    strangers = {
        one.name: more
        for one in modules
        if (more := set(one.depends or ()) - theirs[one.name])
    }
    assert strangers == {}


def test_what_was_kept_says_the_same(
    directory: Path, modules: list[Module], cache: Path
) -> None:
    """Read again, nothing is different, and no error is found in a stock kernel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        again, _ = read_directory(Host(), str(directory), is_cached=True)
    assert list(again) == modules

    done = subprocess.run(
        [sys.executable, "-I", "-m", "resolver", "lint", str(directory)],
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    summary = done.stdout.splitlines()[-1]
    assert summary.startswith(f"{len(modules)} modules, 0 errors, ")


def _name(path: str) -> str:
    return Path(path).name.partition(".ko")[0].replace("-", "_")
