"""The flag that rewrites the stored results, and the commands run on each scenario."""

from __future__ import annotations

import pytest

from tests.golden.cases import CASES, Story, play


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--update-golden``."""
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="store what the tests of tests/golden see now, instead of comparing",
    )


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether results are to be stored."""
    return bool(request.config.getoption("--update-golden", default=False))


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.name)
def story(request: pytest.FixtureRequest) -> Story:
    """What comes of a scenario; played once for all tests of a module."""
    return play(request.param)
