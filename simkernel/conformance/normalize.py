"""Normalizes observed states for a comparison.

Numbers that a kernel assigns in varying order are replaced by names. Devices outside
the scenario are removed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from simkernel.conformance.executor import Answer, State
from simkernel.conformance.expected_differences import is_not_compared, is_not_modelled
from simkernel.conformance.observation_scope import ObservationScope
from simkernel.conformance.operations import Operation, Read

__all__ = ["Normalizer"]

_ADDRESS = re.compile(r"/([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])(?=/|$)")
_MEMBER = re.compile(r"/sys/kernel/iommu_groups/(\d+)/devices/([^/]+)")
_GROUP = re.compile(
    r"((?:^/sys/kernel/iommu_groups|/virtual/vfio|^/sys/class/vfio|^/dev/vfio"
    r"|/iommu_groups)/(?:noiommu-)?)(\d+)(?=/|$)"
)
"""A group's number in paths and link targets."""
_SIZE = re.compile(r"^(\S+) \d+ ")
_ADDRESS_AT = re.compile(r"0x[0-9a-f]+(?: \(\w+\))?")
_NUMBERS = re.compile(r"\d+:\d+")
_NODE = re.compile(r"\b(MAJOR|MINOR|DEVNAME)=.*")
_NOT_COMPARED = "(not compared)"

_Rewrite = Callable[[str], str]


class Normalizer:
    """Normalizes the states of a scenario's host.

    A normalized state can be normalized again, without effect.
    """

    def __init__(self, scope: ObservationScope) -> None:
        self._addresses = frozenset(scope.addresses)
        self._modules = frozenset(scope.modules)
        self._is_in_order = scope.is_in_order
        self._rewrites: dict[str, _Rewrite | None] = {}
        """Rewriting of the text, by path; None: the path is removed."""

    def state(self, state: State) -> State:
        """Return the normalized state."""
        groups = self._group_names(state)

        def named(found: re.Match[str]) -> str:
            return found[1] + groups.get(found[2], "?")

        seen: State = {}
        for path, text in state.items():
            rewrite = self._rewrite(path)
            if rewrite is None:
                continue
            found = _GROUP.search(path)
            if found is not None:
                if found[2] not in groups:
                    continue
                path = _GROUP.sub(named, path)
            text = rewrite(text)
            seen[path] = _GROUP.sub(named, text) if text.startswith("->") else text
        return seen

    def answer(self, operation: Operation, answer: Answer) -> Answer:
        """Return the normalized answer; its changes stay as they are."""
        if not isinstance(operation, Read) or answer.value is None:
            return answer
        rewrite = self._rewrite(operation.path)
        if rewrite is None:
            return replace(answer, value=None)
        return replace(answer, value=rewrite(f"0444 {answer.value}").partition(" ")[2])

    def _group_names(self, state: State) -> dict[str, str]:
        """Return a name for the number of each group with devices of the scenario.

        The name is the group's rank by number, so that another order of numbers is a
        difference. Where that order varies, it is the group's first member.
        """
        members: dict[str, str] = {}
        for path in state:
            found = _MEMBER.fullmatch(path)
            if found is not None and found[2] in self._addresses:
                members[found[1]] = min(members.get(found[1], found[2]), found[2])
        if not self._is_in_order:
            return {number: f"of-{name}" for number, name in members.items()}
        numbers = sorted(members, key=int)
        return {number: f"group{place}" for place, number in enumerate(numbers)}

    def _rewrite(self, path: str) -> _Rewrite | None:
        if path not in self._rewrites:
            self._rewrites[path] = self._rewrite_for(path)
        return self._rewrites[path]

    def _rewrite_for(self, path: str) -> _Rewrite | None:
        foreign = set(_ADDRESS.findall(path)) - self._addresses
        if foreign or is_not_modelled(path):
            return None
        if is_not_compared(path):
            return _without_text
        if path == "/proc/modules":
            return self._module_lines
        if path.endswith("/dev"):
            return lambda text: _NUMBERS.sub("major:minor", text)
        if path.endswith("/uevent"):
            return lambda text: _NODE.sub(r"\1=N", text)
        return lambda text: text

    def _module_lines(self, text: str) -> str:
        """Return the scenario's ``/proc/modules`` lines without sizes and addresses."""
        mode, _, lines = text.partition(" ")
        kept = [
            _ADDRESS_AT.sub("ADDRESS", _SIZE.sub(r"\1 SIZE ", line))
            for line in lines.splitlines()
            if line.partition(" ")[0] in self._modules
        ]
        return f"{mode} " + "".join(f"{line}\n" for line in kept)


def _without_text(text: str) -> str:
    return f"{text.split(' ', 1)[0]} {_NOT_COMPARED}"
