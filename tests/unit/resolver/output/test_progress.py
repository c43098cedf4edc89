"""Progress bars, and the order of what they let through."""

from __future__ import annotations

import io
import sys

import pytest

from resolver.errors import FailedError
from resolver.output.progress import with_module_bar, with_progress


class Terminal(io.StringIO):
    """A stream that a person watches."""

    def isatty(self) -> bool:
        return True


def watched(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Make stderr a terminal; pytest replaces what a fixture sets."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    return terminal


def test_bar_counts_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar counts the modules of all parts; few modules have no bar."""
    terminal = watched(monkeypatch)
    parts = [range(30)] * 4

    assert list(with_module_bar(parts, 120)) == parts
    assert "modules" in terminal.getvalue()
    assert "120/120" in terminal.getvalue()
    shown = terminal.getvalue()
    assert list(with_module_bar(parts[:1], 30)) == parts[:1]
    assert terminal.getvalue() == shown


def test_bar_counts_devices_and_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results come after the bar, in their order; one result has no bar."""
    terminal = watched(monkeypatch)
    results = [(1, "done"), (0, FailedError("no"))]
    found = with_progress(results, 2)

    assert next(found) == results[0]
    assert "2/2" in terminal.getvalue()
    assert "1 failed" in terminal.getvalue()
    assert [*found] == results[1:]
    assert [*with_progress(results[:1], 1)] == results[:1]


def test_no_bar_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Results come one by one, and stderr stays empty."""
    results = [(0, "a"), (1, "b")]
    assert [*with_progress(iter(results), 2)] == results
    assert [*with_module_bar([range(99)], 99)] == [range(99)]
    assert capsys.readouterr().err == ""
