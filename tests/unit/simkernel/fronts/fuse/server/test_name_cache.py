"""Cache timeouts of names, and their invalidation."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from simkernel.filesystems.node import Lifetime
from simkernel.fronts.fuse.server.name_cache import NameCache, StaleNames
from simkernel.model.core.notifier import Change, Kind, Notice

TEMPORARY = (Lifetime.SHORT, Lifetime.DEVICE)


class Machine:
    """The machine's kernel: a clock, and the notifications that it receives."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self._notifications, self.device = os.pipe()
        os.set_blocking(self._notifications, False)
        self.config = SimpleNamespace()

    def cache(self, *, protocol: int = 44, is_enabled: bool = True) -> NameCache:
        """Return a configured cache."""
        names = NameCache(self.device, is_enabled=is_enabled)
        names.configure(
            SimpleNamespace(proto_major=7, proto_minor=protocol), self.config
        )
        return names

    def is_cached(
        self, names: NameCache, lifetime: Lifetime, *, is_current: bool = True
    ) -> bool:
        """Tell whether a name that is looked up now gets a timeout."""
        names.set_found(lifetime, is_current=lambda: is_current)
        return bool(self.config.entry_timeout)

    def invalidations(self) -> int:
        """Return the number of invalidations since the last call."""
        try:
            return len(os.read(self._notifications, 4096)) // 16
        except BlockingIOError:
            return 0

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._notifications)
        os.close(self.device)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """A machine whose clock stands still."""
    made = Machine()
    monkeypatch.setattr(time, "monotonic", lambda: made.now_s)
    yield made
    made.close()


@pytest.mark.parametrize("lifetime", TEMPORARY)
def test_temporary_names_are_cached_after_a_quiet_period(
    machine: Machine, lifetime: Lifetime
) -> None:
    """A change ends the caching for 50 ms."""
    names = machine.cache()

    assert machine.is_cached(names, lifetime)
    names.invalidate(lifetime)
    assert not machine.is_cached(names, lifetime)
    machine.now_s += 0.049
    assert not machine.is_cached(names, lifetime)
    machine.now_s += 0.002
    assert machine.is_cached(names, lifetime)


def test_name_that_may_have_changed_is_not_cached(machine: Machine) -> None:
    """If a name changes between the look-up and the reply."""
    assert not machine.is_cached(machine.cache(), Lifetime.SHORT, is_current=False)


@pytest.mark.parametrize(
    ("protocol", "is_enabled", "cached"),
    [
        (44, True, [True, True, True]),
        (43, True, [False, False, True]),
        (44, False, [False, False, False]),
    ],
)
def test_caching_needs_invalidation(
    machine: Machine, protocol: int, is_enabled: bool, cached: list[bool]
) -> None:
    """An old kernel caches only names that live as long as their directory."""
    names = machine.cache(protocol=protocol, is_enabled=is_enabled)

    assert cached == [machine.is_cached(names, lifetime) for lifetime in Lifetime]


def test_only_cached_names_are_invalidated(machine: Machine) -> None:
    """Once, and only if a stale name may be among the cached ones."""
    names = machine.cache()
    names.invalidate(Lifetime.DEVICE)
    assert machine.invalidations() == 0
    machine.now_s += 1

    assert machine.is_cached(names, Lifetime.DEVICE)
    names.invalidate(Lifetime.SHORT)
    assert machine.invalidations() == 0
    names.invalidate(Lifetime.DEVICE)
    names.invalidate(Lifetime.DEVICE)
    assert machine.invalidations() == 1


def test_missing_names_are_cached_briefly(machine: Machine) -> None:
    """A name that does not exist may be added by any change."""
    names = machine.cache()
    names.set_missing(is_current=lambda: True)
    assert machine.config.negative_timeout > 0

    names.invalidate(Lifetime.SHORT)
    assert machine.invalidations() == 1


@pytest.mark.parametrize(
    ("notices", "stale"),
    [
        ([], None),
        ([Notice(Change.CHANGED, Kind.DEVICE, "/d")], Lifetime.SHORT),
        ([Notice(Change.ADDED, Kind.MODULE, "/m")], Lifetime.SHORT),
        ([Notice(Change.ADDED, Kind.DEVICE, "/d")], Lifetime.DEVICE),
        (
            [
                Notice(Change.REMOVED, Kind.DEVICE, "/d"),
                Notice(Change.CHANGED, Kind.DRIVER, "/r"),
            ],
            Lifetime.DEVICE,
        ),
    ],
)
def test_added_and_removed_devices_make_their_paths_stale(
    notices: list[Notice], stale: Lifetime | None
) -> None:
    """Other changes make only short-lived names stale."""
    names = StaleNames()
    for notice in notices:
        names.changed(notice)

    assert stale == names.take()
    assert names.take() is None
