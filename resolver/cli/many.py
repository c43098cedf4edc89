"""One command on several devices: each on its own, and none hides another's error."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import Any

from resolver.changes import journal
from resolver.changes.all_or_none import all_or_none
from resolver.changes.many import Action, Result, in_order, run_all
from resolver.device import Device
from resolver.errors import NotFoundError, ResolverError
from resolver.inspect.device_words import Found, find_devices
from resolver.inspect.devices import bound_driver, glance, read_device
from resolver.inspect.iommu import mates_of
from resolver.linux import Host
from resolver.matching.select import Choice
from resolver.options import Terms
from resolver.output import documents
from resolver.output import text as report
from resolver.output.console import Console
from resolver.output.progress import with_progress
from resolver.persistence import records
from resolver.persistence.records import PersistentRecord

__all__ = ["Batch", "Manner"]

Choose = Callable[[Device], Choice]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a command on several devices is carried out and reported."""

    as_json: bool = False
    is_verbose: bool = False
    is_atomic: bool = False
    """All devices or none."""
    jobs: int | None = None
    """How many IOMMU groups at a time; ``None``: as many as serve the purpose."""


class Batch:
    """The devices of one command, and what came of each.

    :param command: its name, for the JSON document.
    """

    def __init__(
        self, command: str, host: Host, console: Console, terms: Terms
    ) -> None:
        self.command = command
        self.host = host
        self.console = console
        self.terms = terms
        if not terms.is_dry_run:
            host.require_live()
        self._targets: list[Found] = []
        self._objects: list[dict[str, Any]] = []
        self._results: list[Result] = []

    def find(self, words: Iterable[str]) -> None:
        """Find every device before the first is touched; one named twice is one.

        :raises UsageError: a word is no device, or fits several without saying so.
        """
        self._targets.extend(find_devices(self.host, words, glance))

    def add_group_mates(self) -> None:
        """Find the other members of the devices' IOMMU groups, but for bridges."""
        known = {(one.bus, one.name) for one in self.devices()}
        for device in self.devices():
            for mate in mates_of(self.host, device):
                if (mate.bus, mate.name) not in known and not mate.is_bridge:
                    known.add((mate.bus, mate.name))
                    self._targets.append((mate.name, mate))

    def find_remembered(self) -> None:
        """Find every device that has a record."""
        for name in journal.recorded(self.host):
            try:
                record = journal.load(self.host, name)
                bus = record.bus if record else "pci"
                self._targets.append((name, read_device(self.host, bus, name)))
            except ResolverError as error:
                if isinstance(error, NotFoundError):
                    path = journal.path_of(self.host, name)
                    error.hint = f"remove {path} if the device does not come back"
                self._targets.append((name, error))

    def find_persistent(self, keys: Iterable[str]) -> dict[str, PersistentRecord]:
        """Find devices that were made persistent; return what was, by their names."""
        found = {}
        for key in keys:
            try:
                record = records.load(self.host, key)
                if record is None:
                    raise NotFoundError("it is not persistent")
                device = read_device(self.host, record.bus, record.device)
            except ResolverError as error:
                self._targets.append((key, error))
                continue
            found[device.name] = record
            self._targets.append((device.name, device))
        return found

    def run(
        self, action: Action, manner: Manner, *, choose: Choose | None = None
    ) -> int:
        """Do it, report it, and return the exit code.

        An interruption ends the command after the devices at hand were put back;
        what was done before is reported.

        :param choose: what the action chooses, to say it also where it fails.
        """
        terms = replace(
            self.terms, together=frozenset(one.name for one in self.devices())
        )
        carry_out = all_or_none if manner.is_atomic else run_all
        results = carry_out(self.host, self._targets, action, terms, manner.jobs)
        try:
            with self.host.interruptible(), closing(results):
                for number, result in in_order(
                    with_progress(results, len(self._targets))
                ):
                    self._report(*self._targets[number], result, choose, manner)
        finally:
            if manner.as_json:
                self.console.document(
                    documents.document(
                        self.command, dry_run=terms.is_dry_run, devices=self._objects
                    )
                )
            if len(self._targets) > 1:
                self.console.talk(report.summary(self._results))
        return report.worst(
            result.exit_code
            for result in self._results
            if isinstance(result, ResolverError)
        )

    def devices(self) -> list[Device]:
        """Return those that were found."""
        return [found for _, found in self._targets if isinstance(found, Device)]

    def _report(
        self,
        text: str,
        device: Device | ResolverError,
        result: Result,
        choose: Choose | None,
        manner: Manner,
    ) -> None:
        self._results.append(result)
        if isinstance(result, ResolverError):
            self._report_error(text, device, choose, result)
            return
        self._objects.append(documents.outcome_object(self.host, result))
        if manner.as_json:
            return
        lines = list(report.outcome_lines(result, is_dry_run=self.terms.is_dry_run))
        steps = list(report.step_lines(self.host, result.steps))
        if self.terms.is_dry_run:
            lines.extend(steps)
        self.console.lines(lines)
        if manner.is_verbose and not self.terms.is_dry_run:
            for line in steps:
                self.console.talk(line)

    def _report_error(
        self,
        text: str,
        device: Device | ResolverError,
        choose: Choose | None,
        error: ResolverError,
    ) -> None:
        if isinstance(device, ResolverError):
            error.about = text
            self._objects.append(documents.error_object(text, None, error))
        else:
            error.about = str(device)
            choice = None
            with suppress(ResolverError):
                choice = choose(device) if choose else None
            driver = bound_driver(self.host, device)
            self._objects.append(
                documents.error_object(
                    text, device, error, choice=choice, driver=driver
                )
            )
        self.console.error(error)
