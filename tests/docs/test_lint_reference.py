"""docs/lint.md is what the checks say of themselves."""

from __future__ import annotations

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_current() -> None:
    """If not: ``python docs/make_lint_reference.py``."""
    path = DOCS / "make_lint_reference.py"
    spec = importlib.util.spec_from_file_location("make_lint_reference", path)
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)

    assert (DOCS / "lint.md").read_text("utf-8") == maker.reference()
