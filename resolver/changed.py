"""What a session has changed, and how it is given back."""

from __future__ import annotations

from resolver.changes import checks, provision
from resolver.changes.outcome import Outcome
from resolver.device import Device
from resolver.errors import NotUndoneError, ResolverError
from resolver.inspect import devices
from resolver.linux import Host
from resolver.options import Terms

__all__ = ["Changed"]


class Changed:
    """Devices that were changed, in the order in which they were."""

    def __init__(self) -> None:
        self._outcomes: list[Outcome] = []

    def add(self, outcome: Outcome) -> None:
        """Take note of a device, as it was before and as it is now."""
        self._outcomes.append(outcome)

    def drop(self, device: Device) -> None:
        """Forget a device that went back in another way."""
        name = (device.bus, device.name)
        self._outcomes = [
            one for one in self._outcomes if (one.device.bus, one.device.name) != name
        ]

    def give_back(self, host: Host, terms: Terms) -> None:
        """Bring every device to where it was, the last one first.

        :raises NotUndoneError: not all are back; those that are not stay noted, and
            each is named with the reason.
        """
        kept, problems = [], []
        while self._outcomes:
            outcome = self._outcomes.pop()
            before = outcome.device
            try:
                device = devices.read_device(host, before.bus, before.name)
                checks.require_unused(host, device, terms)
                provision.take_back(host, outcome, terms)
            except ResolverError as problem:
                kept.append(outcome)
                problems.append(f"{before}: {problem.message}")
        self._outcomes = kept[::-1]
        if problems:
            raise NotUndoneError(
                "not every device could be given back",
                problems=tuple(problems),
                hint="resolver status shows them, resolver restore tries again",
            )
