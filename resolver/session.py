"""A run of a program that binds devices and gives them back: the API's way in."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING

from resolver.changed import Changed
from resolver.changes import bind as binding
from resolver.changes import many, node_owner, provision
from resolver.changes import restore as restoring
from resolver.changes.all_or_none import all_or_none
from resolver.changes.many import Result, run_all
from resolver.changes.outcome import Outcome
from resolver.changes.provision import Wishes
from resolver.device import Device
from resolver.errors import ResolverError
from resolver.explanation import Explanation, explain
from resolver.inspect import devices as inventory
from resolver.inspect.device_words import find_device, find_devices
from resolver.inspect.modules import read_aliases
from resolver.linux import Host
from resolver.matching.alias_index import Aliases
from resolver.options import Terms
from resolver.persistence import persist, records
from resolver.persistence.persist import Persisted
from resolver.status import Status, statuses

if TYPE_CHECKING:
    from resolver.doctor.finding import Finding

__all__ = ["Session"]


class Session:
    """Binds devices for as long as a ``with`` block runs, and gives them back.

    ::

        with resolver.Session() as session:
            outcome = session.bind("0000:3b:00.2")
            print(outcome.driver)

    At the end of the block, every device that the session has changed goes back to the
    driver and override that it had before, the last one first. Without a ``with``
    block nothing is given back until :meth:`give_back` is called; another process can
    do it with ``resolver restore``, whatever becomes of this one.

    :param host: ``None``: the running one.
    :param terms: how long to wait, and whether to take devices that are in use.
    """

    def __init__(self, host: Host | None = None, terms: Terms | None = None) -> None:
        self.host = host or Host()
        self.terms = terms or Terms()
        self._aliases: Aliases | None = None
        self._changed = Changed()

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

        :raises NotUndoneError: not all are back.
        """
        self.give_back()

    @property
    def aliases(self) -> Aliases:
        """What the running kernel says about VFIO drivers; read once."""
        if self._aliases is None:
            release = self.host.release()
            directory = f"{self.host.modules}/{release}" if release else None
            self._aliases = read_aliases(self.host, directory, is_running=True)
        return self._aliases

    def devices(self, *words: str) -> tuple[Device, ...]:
        """Return devices in the order of their names, or of the words.

        :param words: as for the command: an address, an interface, ``3b:00.*``,
            ``class:net``, ``vfs:ens1np0`` and so on; none: all PCI functions.
        :raises ResolverError: a word stands for none.
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

        :param device: as a person spells it, or as it was.
        :raises ResolverError: there is none, or there are several.
        """
        if isinstance(device, Device):
            return inventory.read_device(self.host, device.bus, device.name)
        return find_device(self.host, device)

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
        :param user: who gets the device's nodes in ``/dev/vfio``: a name or number;
            likewise ``group``.
        :param is_persistent: bind it at every boot, too; that outlasts the session.
        :raises ResolverError: it is not bound; the class says whose fault it is and
            whether the device is as it was.
        """
        wishes = Wishes(
            request=driver,
            grant=node_owner.parse_grant(user, group),
            is_persistent=is_persistent,
        )
        terms = self._terms(is_dry_run=is_dry_run)
        return self._kept(
            provision.provide(
                self.host, self.aliases, self.find(device), wishes, terms
            ),
            terms,
        )

    def bind_all(
        self, words: Iterable[str], *, is_atomic: bool = False, jobs: int | None = None
    ) -> dict[str, Result]:
        """Bind devices of different IOMMU groups side by side.

        :param words: as for :meth:`devices`.
        :param is_atomic: all of them or none.
        :param jobs: how many at a time; ``None``: as many as serve the purpose.
        :return: name of each device, or the word for it, to its outcome or error.
        :raises UsageError: a word is no device, or fits several without saying so.
        """
        targets = list(find_devices(self.host, words, inventory.glance))
        names = frozenset(one.name for _, one in targets if isinstance(one, Device))
        terms = dataclasses.replace(self.terms, together=names)

        def do(device: Device, terms: Terms) -> Outcome:
            return binding.bind(self.host, self.aliases, device, terms=terms)

        carry_out = all_or_none if is_atomic else run_all
        found: dict[str, Result] = {}
        for number, result in many.in_order(
            carry_out(self.host, targets, do, terms, jobs)
        ):
            word, device = targets[number]
            name = device.name if isinstance(device, Device) else word
            if not isinstance(result, ResolverError):
                result = self._kept(result, terms)
            found[name] = result
        return found

    def unbind(self, device: str | Device, *, is_dry_run: bool = False) -> Outcome:
        """Take a device from its driver and leave it without one.

        :raises ResolverError: as with :meth:`bind`.
        """
        terms = self._terms(is_dry_run=is_dry_run)
        found = self.find(device)
        return self._kept(binding.unbind(self.host, found, terms=terms), terms)

    def restore(self, device: str | Device, *, is_dry_run: bool = False) -> Outcome:
        """Give a device back to what it had before resolver first touched it.

        :raises ResolverError: as with :meth:`bind`.
        """
        terms = self._terms(is_dry_run=is_dry_run)
        outcome = restoring.restore(self.host, self.find(device), terms=terms)
        if not is_dry_run:
            self._changed.drop(outcome.device)
        return outcome

    def unpersist(self, device: str | Device) -> Persisted:
        """Leave a device to the kernel at the next boot; now it stays as it is.

        :raises NotFoundError: it is not persistent.
        :raises ResolverError: it stays so.
        """
        return persist.unpersist(self.host, records.key_of(self.find(device)))

    def statuses(self) -> tuple[Status, ...]:
        """Return what is remembered of devices, and how they are now."""
        return tuple(statuses(self.host))

    def examine(self) -> tuple[Finding, ...]:
        """Return what keeps the host from using VFIO, the worst first."""
        from resolver.doctor.examination import examine

        return examine(self.host, self.aliases)

    def give_back(self) -> None:
        """Bring every device that the session has changed to where it was.

        :raises NotUndoneError: not all are back; those that are not stay with the
            session, and each is named with the reason.
        """
        self._changed.give_back(self.host, self.terms)

    def _terms(self, *, is_dry_run: bool) -> Terms:
        return dataclasses.replace(self.terms, is_dry_run=is_dry_run)

    # What is persistent shall outlast the session.
    def _kept(self, outcome: Outcome, terms: Terms) -> Outcome:
        if outcome.changed and not terms.is_dry_run and outcome.persisted is None:
            self._changed.add(outcome)
        return outcome
