"""Change several devices with one command, and report each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from typing import Any

from resolver.changes.many import Result, in_order
from resolver.changes.outcome import Outcome
from resolver.cli.invocation import Invocation
from resolver.device import Device
from resolver.errors import NotUndoneError, ResolverError
from resolver.inspect.device_words import Found
from resolver.inspect.devices import bound_driver
from resolver.options import Options
from resolver.output import documents
from resolver.output import text as report
from resolver.output.console import standard_input
from resolver.output.progress import with_progress
from resolver.session import Session, Verb

__all__ = ["change_devices", "session_for", "with_stdin"]


def with_stdin(words: Iterable[str]) -> Iterator[str]:
    """Yield words, and for ``-`` the lines of stdin that are not comments."""
    for word in words:
        if word != "-":
            yield word
            continue
        for line in standard_input():
            text = line.decode("utf-8", "surrogateescape").strip()
            if text and not text.startswith("#"):
                yield text


def session_for(call: Invocation, options: Options) -> Session:
    """Return a session that may change the host.

    :raises RefusedError: the host is a captured one.
    """
    session = call.session(options)
    if not options.is_dry_run:
        session.host.require_live()
    return session


def change_devices(
    call: Invocation,
    session: Session,
    verb: Verb,
    targets: Sequence[Found],
    options: Options,
    *,
    as_json: bool,
) -> None:
    """Change each target, report it, and set the exit code.

    An error of one target does not stop the others. An interruption ends the command
    after the current devices are rolled back; the finished ones are reported.
    """
    if not as_json:
        call.console.notes(session.unseen)
    reporter = _Reporter(call, session, verb, options, as_json=as_json)
    run = session.run(verb, targets, options)
    try:
        with session.host.interruptible(), closing(run):
            for number, result in in_order(with_progress(run, len(targets))):
                reporter.add(*targets[number], result)
    except KeyboardInterrupt:
        if not reporter.is_final(len(targets)):
            raise
    finally:
        reporter.finish(len(targets))
    call.exit_code = report.worst(
        result.exit_code
        for result in reporter.results
        if isinstance(result, ResolverError)
    )


class _Reporter:
    def __init__(
        self,
        call: Invocation,
        session: Session,
        verb: Verb,
        options: Options,
        *,
        as_json: bool,
    ) -> None:
        self._console = call.console
        self._is_verbose = call.is_verbose
        self._session = session
        self._verb = verb
        self._options = options
        self._as_json = as_json
        self._objects: list[dict[str, Any]] = []
        self.results: list[Result] = []

    def add(self, text: str, device: Device | ResolverError, result: Result) -> None:
        self.results.append(result)
        if isinstance(result, ResolverError):
            self._add_error(text, device, result)
            return
        host, is_dry_run = self._session.host, self._options.is_dry_run
        self._objects.append(documents.outcome_object(host, result))
        if self._as_json:
            return
        lines = list(report.outcome_lines(result, is_dry_run=is_dry_run))
        steps = list(report.step_lines(host, result.steps))
        if is_dry_run:
            lines.extend(steps)
        self._console.lines(lines)
        if self._is_verbose and not is_dry_run:
            for line in steps:
                self._console.talk(line)

    def _add_error(
        self, text: str, device: Device | ResolverError, error: ResolverError
    ) -> None:
        if isinstance(device, ResolverError):
            error.about = text
            self._objects.append(documents.error_object(text, None, error))
        else:
            error.about = str(device)
            choice = None
            if self._verb == "bind":
                with suppress(ResolverError):
                    choice = self._session.choose(device, self._options)
            driver = bound_driver(self._session.host, device)
            self._objects.append(
                documents.error_object(
                    text, device, error, choice=choice, driver=driver
                )
            )
        self._console.error(error)

    def is_final(self, count: int) -> bool:
        """Return whether the results determine the exit code, even if interrupted.

        Every device is changed, or one could not be rolled back.
        """
        is_changed = [isinstance(one, Outcome) for one in self.results]
        is_undone = [isinstance(one, NotUndoneError) for one in self.results]
        return any(is_undone) or (len(self.results) == count and all(is_changed))

    def finish(self, count: int) -> None:
        if self._as_json:
            document = documents.device_document(
                self._verb,
                self._session.unseen,
                self._objects,
                dry_run=self._options.is_dry_run,
            )
            self._console.document(document)
        if count > 1:
            self._console.talk(report.summary(self.results))
