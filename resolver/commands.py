"""One command on several devices: each on its own, and none hides another's error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from resolver import documents, journal, modalias, report
from resolver.binding import Outcome
from resolver.console import Console
from resolver.device import Device
from resolver.errors import FailedError, NotFoundError, ResolverError
from resolver.execution import error_of
from resolver.explanation import Explanation, explain, explain_modalias
from resolver.inventory import find_device, read_binding, read_device
from resolver.linux import Host
from resolver.lookup import Aliases
from resolver.selection import Choice

__all__ = ["Batch", "explain_devices"]


class Batch:
    """The devices of one command, and what came of each.

    :param command: its name, for the JSON document.
    """

    def __init__(
        self, command: str, host: Host, console: Console, *, is_dry_run: bool
    ) -> None:
        self.command = command
        self.host = host
        self.console = console
        self.is_dry_run = is_dry_run
        if not is_dry_run:
            host.require_live()
        self._targets: list[tuple[str, Device | ResolverError]] = []
        self._objects: list[dict[str, Any]] = []
        self._results: list[Outcome | ResolverError] = []

    def find(self, texts: Sequence[str]) -> None:
        """Find every device before the first is touched; one named twice is one.

        :raises UsageError: a text is no device, or fits several.
        """
        seen = set()
        for text in texts:
            try:
                device = find_device(self.host, text)
            except NotFoundError as error:
                self._targets.append((text, error))
                continue
            if (device.bus, device.name) not in seen:
                seen.add((device.bus, device.name))
                self._targets.append((text, device))

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

    def run(
        self,
        action: Callable[[Device], Outcome],
        *,
        choose: Callable[[Device], Choice] | None = None,
        as_json: bool,
        is_verbose: bool,
    ) -> int:
        """Do it, report it, and return the exit code.

        An interruption ends the command after the device at hand was put back;
        what was done before is reported.

        :param choose: what the action chooses, to say it also where it fails.
        """
        try:
            for text, device in self._targets:
                try:
                    if isinstance(device, ResolverError):
                        raise device
                    outcome = _without_os_errors(device, action)
                except ResolverError as error:
                    self._report_error(text, device, choose, error)
                else:
                    self._report(outcome, as_json=as_json, is_verbose=is_verbose)
        finally:
            if as_json:
                self.console.document(
                    documents.document(
                        self.command, dry_run=self.is_dry_run, devices=self._objects
                    )
                )
            if len(self._targets) > 1:
                self.console.talk(report.summary(self._results))
        return report.worst(
            result.exit_code
            for result in self._results
            if isinstance(result, ResolverError)
        )

    def _report(self, outcome: Outcome, *, as_json: bool, is_verbose: bool) -> None:
        self._results.append(outcome)
        self._objects.append(documents.outcome_object(self.host, outcome))
        if as_json:
            return
        lines = list(report.outcome_lines(outcome, is_dry_run=self.is_dry_run))
        steps = report.step_lines(self.host, outcome.steps)
        if self.is_dry_run:
            lines.extend(steps)
        self.console.lines(lines)
        if is_verbose and not self.is_dry_run:
            for line in steps:
                self.console.talk(line)

    def _report_error(
        self,
        text: str,
        device: Device | ResolverError,
        choose: Callable[[Device], Choice] | None,
        error: ResolverError,
    ) -> None:
        self._results.append(error)
        if isinstance(device, ResolverError):
            error.about = text
            self._objects.append(documents.error_object(text, None, error))
        else:
            error.about = str(device)
            choice = driver = None
            with suppress(ResolverError):
                choice = choose(device) if choose else None
                driver = read_binding(self.host, device.bus, device.name).driver
            self._objects.append(
                documents.error_object(
                    text, device, error, choice=choice, driver=driver
                )
            )
        self.console.error(error)


def explain_devices(
    host: Host,
    aliases: Aliases,
    console: Console,
    texts: Sequence[str],
    *,
    as_json: bool,
) -> int:
    """Explain every device or modalias, and return the exit code."""
    objects, codes = [], []
    for text in texts:
        try:
            found = _explain_one(host, aliases, text)
        except ResolverError as error:
            codes.append(error.exit_code)
            objects.append(documents.error_object(text, None, error))
            error.about = text
            console.error(error)
            continue
        objects.append(documents.explanation_object(text, found))
        if not as_json:
            console.lines(report.explanation_lines(text, found))
    if as_json:
        console.document(documents.document("explain", devices=objects))
    return report.worst(codes)


def _explain_one(host: Host, aliases: Aliases, text: str) -> Explanation:
    if text.startswith(("pci:", "vfio_")) and ":v" in text:
        return explain_modalias(host, aliases, modalias.parse(text))
    return explain(host, aliases, find_device(host, text))


def _without_os_errors(device: Device, action: Callable[[Device], Outcome]) -> Outcome:
    try:
        return action(device)
    except OSError as problem:
        raise FailedError(
            f"{problem.filename or 'the host'}: {error_of(problem)}",
            hint="run as root" if isinstance(problem, PermissionError) else "",
            errno=problem.errno or 0,
        ) from problem
