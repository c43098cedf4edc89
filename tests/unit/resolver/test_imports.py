"""What the package exports, and what its modules may import."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import resolver

PACKAGE = Path(resolver.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
INSPECT = ("modprobe", "modprobe_d", "module_policy", "module_tree", "overlay")
PURE = [
    *sorted(PACKAGE.glob("matching/*.py")),
    *(PACKAGE / one for one in ("device.py", "errors.py", "changes/plan.py")),
    *(PACKAGE / f"inspect/{one}.py" for one in INSPECT),
]
IO = {
    *("os", "io", "pathlib", "subprocess", "time", "random", "shutil", "socket"),
    *("tempfile", "logging", "threading", "signal", "fcntl", "multiprocessing"),
}


def imported(path: Path) -> set[str]:
    """Return the top-level names of everything that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


def test_every_exported_name_is_there() -> None:
    """The public API is a sorted list, and each name leads somewhere."""
    assert resolver.__all__ == sorted(resolver.__all__)
    for name in resolver.__all__:
        assert getattr(resolver, name).__name__ == name


def test_other_names_are_no_attributes() -> None:
    """A wrong name is an error like in any module."""
    with pytest.raises(AttributeError, match="nosuch"):
        _ = resolver.nosuch


@pytest.mark.parametrize("module", PURE, ids=lambda path: path.stem)
def test_pure_modules_do_no_io(module: Path) -> None:
    """They import nothing that could read or change a host."""
    assert not imported(module) & IO


def test_only_linux_touches_the_host() -> None:
    """Files and processes have one door; what is in memory is no file."""
    users = {
        path.parent.name
        for path in MODULES
        if imported(path) & IO - ({"io"} if path.match("lint/elf.py") else set())
    }
    assert users == {"linux"}


def test_only_the_standard_library_below_the_command() -> None:
    """Libraries are for the command and for lint; and nobody needs simkernel."""
    allowed = {f"cli/{path.name}": {"click"} for path in PACKAGE.glob("cli/*.py")}
    allowed["cli/devices.py"] |= {"rich"}
    allowed["lint/packing.py"] = {"zstandard"}
    allowed |= {f"lint/{one}.py": {"elftools"} for one in ("drivers", "elf")}
    for place in ("output/progress", "lint/text"):
        allowed[f"{place}.py"] = {"rich"}
    for path in MODULES:
        place = path.relative_to(PACKAGE).as_posix()
        others = imported(path) - set(sys.stdlib_module_names) - {"resolver"}
        assert others <= allowed.get(place, set()), path


@pytest.mark.real
@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["resolve", "pci:v000015B3d0000101Esv000015B3sd00000003bc02sc00i00"],
    ],
)
def test_start_imports_little(arguments: list[str]) -> None:
    """A person who asks for help waits for no table, template or process."""
    heavy = ("rich", "yaml", "jinja2", "subprocess", "json", "dataclasses", "simkernel")
    code = (
        "import sys, click; own = set(sys.modules);"
        f"from resolver.cli import run; run({arguments!r});"
        f"assert not [m for m in {heavy!r} if m in set(sys.modules) - own]"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.real
def test_importing_the_package_imports_nothing_else() -> None:
    """Names are loaded when they are used."""
    code = (
        "import sys; import resolver;"
        "print(*[m for m in sys.modules if m.startswith('resolver.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == ""
