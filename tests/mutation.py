"""Change the code, and see that tests notice: ``python -m tests.mutation [MODULE...]``.

mutmut makes the mutants and runs for each the tests that reach it. MODULE may be any
module or package; the default is all that pyproject.toml names (``only_mutate``). The
tests are those that pyproject.toml names. With MODULE, only those of its package run.

This prints a table of the modules. ``mutation-survivors.yaml`` lists the survivors with
reasons. A survivor that is not listed is a failure, and so is a listed one that is
killed.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

__all__ = ["Survivor", "main"]

LISTED = Path(__file__).with_name("mutation-survivors.yaml")
MUTANTS = Path("mutants")
KILLED = frozenset({"killed", "timeout", "segfault", "caught by type check"})


@dataclass(frozen=True, slots=True)
class Survivor:
    """A change that no test notices, known by the lines that differ."""

    function: str
    """Dotted name, with module and class."""
    was: str
    becomes: str


def listed() -> dict[Survivor, str]:
    """Return the survivors that are known, with reasons."""
    entries = yaml.safe_load(LISTED.read_text("utf-8"))
    return {
        Survivor(one["function"], one["was"], one["becomes"]): one["reason"]
        for one in entries
    }


def function_of(mutant: str) -> str:
    """Return the function's name of a mutant's, such as ``a.b.xǁCǁf__mutmut_1``."""
    module, _, name = mutant.rpartition(".")
    name = name.rpartition("__mutmut_")[0]
    name = name.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
    return f"{module}.{name}"


def survivor(mutant: str) -> Survivor:
    """Return what a mutant changes."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    lines = get_diff_for_mutant(mutant).splitlines()[2:]
    was, becomes = (
        "\n".join(one[1:].strip() for one in lines if one[0] == sign) for sign in "-+"
    )
    return Survivor(function_of(mutant), was, becomes)


def statuses(module: str) -> dict[str, str]:
    """Return what came of each mutant of a module."""
    from mutmut.stats import status_by_exit_code

    file = MUTANTS / f"{module.replace('.', '/')}.py.meta"
    codes = json.loads(file.read_text("utf-8"))["exit_code_by_key"]
    return {mutant: status_by_exit_code[code] for mutant, code in codes.items()}


def mutated() -> list[str]:
    """Return the modules that have mutants."""
    files = MUTANTS.rglob("*.py.meta")
    names = (one.relative_to(MUTANTS).as_posix() for one in files)
    return sorted(one.removesuffix(".py.meta").replace("/", ".") for one in names)


def report(modules: Iterable[str]) -> int:
    """Print the table and all that is wrong; return how much that is."""
    known = listed()
    total: Counter[str] = Counter()
    unlisted: list[tuple[str, Survivor]] = []
    met: set[Survivor] = set()
    head = f"{'MODULE':46} MUTANTS  KILLED  LISTED SURVIVED  SCORE"
    print(f"\n{head}")
    for module in modules:
        count: Counter[str] = Counter()
        for mutant, status in statuses(module).items():
            count["mutants"] += 1
            if status in KILLED:
                count["killed"] += 1
                continue
            found = survivor(mutant)
            met.add(found)
            count["listed" if found in known else "survived"] += 1
            if found not in known:
                unlisted.append((f"{mutant}: {status}", found))
        print(_row(module, count))
        total += count
    print(_row("total", total))
    for name, found in unlisted:
        print(f"\n{name}\n- {found.was}\n+ {found.becomes}")
    killed = [
        one
        for one in known
        if one not in met and any(one.function.startswith(f"{m}.") for m in modules)
    ]
    for one in killed:
        print(f"\nlisted, but killed: {one.function}\n- {one.was}\n+ {one.becomes}")
    return len(unlisted) + len(killed)


def _row(name: str, count: Counter[str]) -> str:
    score = 100 * count["killed"] / count["mutants"] if count["mutants"] else 100.0
    return (
        f"{name:46} {count['mutants']:7} {count['killed']:7} {count['listed']:7} "
        f"{count['survived']:8} {score:5.1f}%"
    )


def select(modules: list[str]) -> None:
    """Have mutmut mutate some modules only, with the tests of their packages."""
    from mutmut.configuration import config

    settings = config()
    paths = [one.replace(".", "/") for one in modules]
    settings.only_mutate = [f"{path}{end}" for path in paths for end in (".py", "/*")]
    folders = tuple(f"tests/unit/{path.partition('/')[0]}/" for path in paths)
    settings.pytest_add_cli_args_test_selection = [
        one
        for one in settings.pytest_add_cli_args_test_selection
        if one.startswith(folders)
    ]


def main(modules: list[str]) -> int:
    """Run mutmut from the beginning; return 1 if a survivor is not listed."""
    from mutmut.__main__ import cli

    shutil.rmtree(MUTANTS, ignore_errors=True)
    if modules:
        select(modules)
    cli(["run"], standalone_mode=False)
    return 1 if report(mutated()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
