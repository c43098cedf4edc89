"""docs/clients.md shows what programs of others print on the fuse tier."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.fuse import needs_fuse
from tests.programs import FORCED, needs

DOCS = Path(__file__).parents[2] / "docs"
RELEASE = Path("/etc/debian_version")
IS_DEBIAN_12 = RELEASE.exists() and RELEASE.read_text().startswith("12.")

pytestmark = [
    pytest.mark.real,
    needs_fuse,
    needs(
        *("busybox", "driverctl", "gcc", "libvirtd", "lspci", "modprobe"),
        *("systemd-udevd", "virsh"),
    ),
    pytest.mark.skipif(
        not FORCED and not IS_DEBIAN_12,
        reason="the page is of Debian 12; SIMKERNEL_FORCE_CLIENTS=1 forces it",
    ),
]


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    """Return the script that writes the page's outputs."""
    path = DOCS / "make_clients.py"
    spec = importlib.util.spec_from_file_location("make_clients", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_shows_what_its_commands_print(maker: ModuleType) -> None:
    """If not: ``python docs/make_clients.py``."""
    text = maker.PAGE.read_text(encoding="utf-8")

    assert text.splitlines() == maker.refreshed(text).splitlines()


def test_every_test_of_a_client_is_named_on_the_page(maker: ModuleType) -> None:
    """A client that is tested is shown, too."""
    tests = {path.name for path in Path(__file__).parent.glob("test_client_*.py")}
    text = maker.PAGE.read_text(encoding="utf-8")

    assert len(tests) > 5
    assert tests == {name for name in tests if f"`{name}`" in text}
