"""One way to change devices, for programs and for the command."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from resolver.changes import bind, boot, checks, many, node_owner, restore
from resolver.changes.all_or_none import all_or_none
from resolver.changes.decision import ask_modprobe, choose_for
from resolver.changes.many import Result
from resolver.changes.outcome import Outcome
from resolver.device import Device
from resolver.errors import NotUndoneError, ResolverError
from resolver.explanation import Explanation, explain
from resolver.inspect import devices as inventory
from resolver.inspect.device_words import Found, find_device, find_devices
from resolver.inspect.iommu import mates_of
from resolver.inspect.modules import read_aliases
from resolver.inspect.visibility import Unseen, unseen
from resolver.linux import Host
from resolver.matching.alias_index import Aliases
from resolver.matching.select import Choice
from resolver.options import Options
from resolver.persistence import persist, records
from resolver.persistence.persist import Persisted
from resolver.status import Status, statuses

if TYPE_CHECKING:
    from resolver.doctor.finding import Finding

__all__ = ["Session", "Verb"]

Verb = Literal["bind", "boot", "restore", "unbind"]
"""Name of a command that changes devices."""


class Session:
    """Changes devices, and gives them back at the end of a ``with`` block.

    ::

        with resolver.Session() as session:
            print(session.bind("0000:3b:00.2").driver)

    The block ends with :meth:`give_back`: every device that the session changed
    returns to its previous driver and override, the last one first. Without a
    ``with`` block, call :meth:`give_back`. If the process dies first, run
    ``resolver restore``.

    :param host: ``None``: the running one.
    :param options: timeout, force and the like, for every call.
    :param aliases: VFIO aliases to match; ``None``: those of the running kernel.
    """

    def __init__(
        self,
        host: Host | None = None,
        options: Options | None = None,
        aliases: Aliases | None = None,
    ) -> None:
        self.host = host or Host()
        self.options = options or Options()
        self._aliases = aliases
        self._changed: list[Outcome] = []

    def __enter__(self) -> Session:
        """Return the session."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give every device back.

        :raises NotUndoneError: some devices are not back.
        """
        self.give_back()

    @property
    def aliases(self) -> Aliases:
        """VFIO aliases of the kernel; read once."""
        if self._aliases is None:
            release = self.host.release()
            directory = self.host.module_directory(release) if release else None
            self._aliases = read_aliases(self.host, directory, is_running=True)
        return self._aliases

    @functools.cached_property
    def unseen(self) -> tuple[Unseen, ...]:
        """Parts of the host that are not visible, so that uses may be overlooked."""
        return unseen(self.host)

    @functools.cached_property
    def shows_vfio(self) -> bool:
        """Whether the kernel shows VFIO devices in sysfs (since Linux 6.1)."""
        return self.host.is_there(f"{self.host.sys}/class/vfio-dev")

    def devices(self, *words: str) -> tuple[Device, ...]:
        """Return devices in the order of their names, or of the words.

        :param words: as for the command, such as ``vfs:ens1np0``; none: all PCI ones.
        :raises ResolverError: a word names no device.
        """
        if not words:
            return tuple(inventory.all_devices(self.host))
        found = []
        for _, device in find_devices(self.host, words):
            if isinstance(device, ResolverError):
                raise device
            found.append(device)
        return tuple(found)

    def find(self, device: str | Device) -> Device:
        """Return a device as it is now.

        :param device: a word for it, or an earlier state of it.
        :raises ResolverError: the host has no such device, or several.
        """
        if isinstance(device, Device):
            return inventory.read_device(self.host, device.bus, device.name)
        return find_device(self.host, device)

    def targets(self, words: Iterable[str]) -> list[Found]:
        """Return the devices of :meth:`run`; a missing one is its error.

        :raises UsageError: a word is invalid, or names several devices.
        """
        return list(find_devices(self.host, words, inventory.glance))

    def group_members(self, targets: Iterable[Found]) -> list[Found]:
        """Return the other members of the targets' IOMMU groups, without bridges."""
        devices = [device for _, device in targets if isinstance(device, Device)]
        known = {(device.bus, device.name) for device in devices}
        members: list[Found] = []
        for device in devices:
            for mate in mates_of(self.host, device):
                if (mate.bus, mate.name) not in known and not mate.is_bridge:
                    known.add((mate.bus, mate.name))
                    members.append((mate.name, mate))
        return members

    def choose(self, device: Device, options: Options) -> Choice:
        """Return the driver that ``bind`` chooses for a device.

        :raises ResolverError: there is none.
        """
        return choose_for(self.aliases, device, options.driver_for(device.name))

    def explain(self, device: str | Device) -> Explanation:
        """Return which driver a device would get, and why; change nothing.

        :raises ResolverError: there is no such device, or no driver for it.
        """
        return explain(self.host, self.aliases, self.find(device))

    def bind(
        self,
        device: str | Device,
        *,
        driver: str | None = None,
        user: str | None = None,
        group: str | None = None,
        is_persistent: bool = False,
        is_dry_run: bool = False,
    ) -> Outcome:
        """Bind a device to its best VFIO driver, or to the one named.

        :param driver: a driver or module.
        :param user: new owner of its nodes in ``/dev/vfio``, a name or number.
        :param group: likewise.
        :param is_persistent: bind it at every boot, too; the end of the session does
            not undo that.
        :raises ResolverError: it is not bound; the class says why, and whether the
            device is rolled back.
        """
        options = self._options(
            is_dry_run=is_dry_run,
            driver=driver,
            owner=node_owner.parse_grant(user, group),
            is_persistent=is_persistent,
        )
        return self._run_one("bind", device, options)

    def bind_all(
        self, words: Iterable[str], *, is_atomic: bool = False, jobs: int | None = None
    ) -> dict[str, Result]:
        """Bind devices, those of different IOMMU groups in parallel.

        :param words: as for :meth:`devices`.
        :param is_atomic: bind all of them or none.
        :param jobs: IOMMU groups at a time; ``None``: the default.
        :return: name of each device, or its word, to its outcome or error.
        :raises UsageError: as with :meth:`targets`.
        """
        results: dict[str, Result] = {}
        targets = self.targets(words)
        options = self._options(is_atomic=is_atomic, jobs=jobs)
        for number, result in many.in_order(self.run("bind", targets, options)):
            word, device = targets[number]
            results[device.name if isinstance(device, Device) else word] = result
        return results

    def unbind(self, device: str | Device, *, is_dry_run: bool = False) -> Outcome:
        """Unbind a device, and leave it without a driver.

        :raises ResolverError: as with :meth:`bind`.
        """
        return self._run_one("unbind", device, self._options(is_dry_run=is_dry_run))

    def restore(self, device: str | Device, *, is_dry_run: bool = False) -> Outcome:
        """Restore the driver and override that a device had before resolver.

        :raises ResolverError: as with :meth:`bind`.
        """
        return self._run_one("restore", device, self._options(is_dry_run=is_dry_run))

    def run(
        self, verb: Verb, targets: Sequence[Found], options: Options
    ) -> Generator[tuple[int, Result], None, None]:
        """Change targets, and yield the number and the result of each as it comes.

        :param targets: devices from :meth:`targets` and :meth:`group_members`.
        """
        action = self._action(verb)
        together = frozenset(one.name for _, one in targets if isinstance(one, Device))
        options = dataclasses.replace(options, together=together)
        run = all_or_none if options.is_atomic else many.run_all
        if verb == "bind" and len(targets) > 1:
            found = [one for _, one in targets if isinstance(one, Device)]
            ask_modprobe(self.host, self.aliases, found, options)
        if len(targets) > 1 and not options.is_forced:
            self.host.open_files()  # once for all workers
        with closing(run(self.host, targets, action, options)) as results:
            for number, result in results:
                if isinstance(result, Outcome) and not options.is_dry_run:
                    self._note(verb, result)
                yield number, result

    def unpersist(self, device: str | Device) -> Persisted:
        """Stop binding a device at boot; its current driver stays.

        :raises NotFoundError: it is not persistent.
        :raises ResolverError: it stays persistent.
        """
        return persist.unpersist(self.host, records.key_of(self.find(device)))

    def statuses(self) -> tuple[Status, ...]:
        """Return the recorded devices, and their current state."""
        return tuple(statuses(self.host))

    def examine(self) -> tuple[Finding, ...]:
        """Return why the host cannot use VFIO, the worst finding first."""
        from resolver.doctor.examination import examine

        return examine(self.host, self.aliases)

    def give_back(self) -> None:
        """Undo every change of the session, the last one first.

        :raises NotUndoneError: some devices are not back; the session keeps them.
        """
        kept, problems = [], []
        while self._changed:
            outcome = self._changed.pop()
            try:
                device = self.find(outcome.device)
                checks.require_unused(self.host, device, self.options)
                restore.undo(self.host, outcome, self.options)
            except (ResolverError, OSError) as problem:
                kept.append(outcome)
                problems.append(f"{outcome.device}: {problem}")
            except BaseException:
                self._changed.extend([outcome, *kept[::-1]])
                raise
        self._changed = kept[::-1]
        if problems:
            raise NotUndoneError(
                "cannot restore every device",
                problems=tuple(problems),
                hint="run `resolver status`, then `resolver restore`",
            )

    def _options(self, **values: object) -> Options:
        return dataclasses.replace(self.options, **values)  # type: ignore[arg-type]  # each value has its field's type

    def _run_one(self, verb: Verb, device: str | Device, options: Options) -> Outcome:
        found = self.find(device)
        ((_, result),) = self.run(verb, [(found.name, found)], options)
        if isinstance(result, ResolverError):
            raise result
        return result

    # The aliases are read here, before the workers that share them start.
    def _action(self, verb: Verb) -> Callable[[Device, Options], Outcome]:
        host = self.host
        if verb == "unbind":
            return lambda device, options: bind.unbind(host, device, options)
        if verb == "restore":
            return lambda device, options: restore.restore(host, device, options)
        aliases = self.aliases
        action = bind.bind if verb == "bind" else boot.bind_persistent
        return lambda device, options: action(host, aliases, device, options)

    # A restored device is back already; a persistent one outlasts the session.
    def _note(self, verb: Verb, outcome: Outcome) -> None:
        if verb == "restore":
            back = outcome.device
            self._changed = [
                one
                for one in self._changed
                if (one.device.bus, one.device.name) != (back.bus, back.name)
            ]
        elif outcome.changed and outcome.persisted is None:
            self._changed.append(outcome)
