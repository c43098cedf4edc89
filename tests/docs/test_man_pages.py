"""Man pages and completion files are what the command says, and programs read them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    """Return the script that writes the files."""
    path = DOCS / "make_man_pages.py"
    spec = importlib.util.spec_from_file_location("make_man_pages", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_file_is_current(maker: ModuleType) -> None:
    """If not: ``python docs/make_man_pages.py``."""
    made = dict(maker.files())
    assert {path: path.read_text() for path in made} == made
    folders = {path.parent for path in made}
    assert {path for folder in folders for path in folder.iterdir()} == set(made)


def test_the_pages_say_what_the_command_does(maker: ModuleType) -> None:
    """Every option of bind is there, and every exit code of docs/exit-codes.md."""
    pages = {path.name: text for path, text in maker.files()}
    for option in ("persist", "uid USER", "gid GROUP", "driver NAME", "dry\\-run"):
        assert f"\\-\\-{option}" in pages["resolver-bind.1"]
    codes = [code for code, _ in maker._exit_codes()]
    assert codes == ["0", "1", "2", "3", "4", "5", "130", "141"]
    assert all(f"\\fB{code}\\fR" in pages["resolver.1"] for code in codes)


def test_the_pages_use_what_every_man_knows(maker: ModuleType) -> None:
    """Lines that begin with a dot are requests of man(7); no dash is a hyphen."""
    for path, text in maker.files():
        if path.suffix != ".1":
            continue
        lines = text.splitlines()[1:]
        requests = {line.split()[0] for line in lines if line[:1] in ".'"}
        assert requests <= {".TH", ".SH", ".PP", ".TP", ".B", ".nf", ".fi"}, path.name
        texts = [line for line in lines if not line.startswith((".TH", ".SH"))]
        assert not [line for line in texts if "-" in line.replace("\\-", "")]
