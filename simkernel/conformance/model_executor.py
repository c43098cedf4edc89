"""Runs programs of operations on the simulated kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from errno import EACCES, EEXIST, EISDIR, ENODEV, ENOENT, errorcode

from simkernel.conformance.executor import Answer, State, changes
from simkernel.conformance.expected_differences import is_not_modelled
from simkernel.conformance.observation_scope import ObservationScope
from simkernel.conformance.operations import (
    Load,
    Operation,
    Plug,
    Read,
    Unload,
    Unplug,
    Write,
)
from simkernel.errors import KernelRefusal
from simkernel.filesystems.devtmpfs import devtmpfs
from simkernel.filesystems.node import Attribute, DeviceNode, Directory, Link, Node
from simkernel.filesystems.procfs import procfs
from simkernel.filesystems.sysfs.root import sysfs
from simkernel.filesystems.tree import Tree
from simkernel.filesystems.walk import walk
from simkernel.host.boot import boot_host
from simkernel.host.host import Host
from simkernel.model.pci.function import PciFunction
from simkernel.scenario.schema import Scenario

__all__ = ["ModelExecutor"]


class ModelExecutor:
    """Runs programs on the kernel model.

    :param boot: boots the host of a scenario.
    """

    def __init__(self, boot: Callable[[Scenario], Host] = boot_host) -> None:
        self._boot = boot
        self._trees: dict[str, Tree] = {}
        self._roots: tuple[str, ...] = ()
        self._state: State = {}
        self._unplugged: dict[str, PciFunction] = {}
        self._bridges: dict[str, str] = {}
        """Bridge by the addresses of the bus behind it, such as ``0000:3b``."""
        self.done = 0
        """Operations since the start of the scenario."""

    def boot(self, scenario: Scenario) -> None:
        """Boot a new host.

        :raises ScenarioError: the scenario is inconsistent.
        """
        self.kernel = self._boot(scenario).kernel
        self._trees = {
            "sys": sysfs(self.kernel),
            "proc": procfs(self.kernel),
            "dev": devtmpfs(self.kernel),
        }
        self._roots = ObservationScope.of(scenario).roots()
        self._unplugged = {}
        self._bridges = {
            f"{one.address[:-8]}:{one.secondary_bus}": one.address
            for one in scenario.devices
            if one.secondary_bus
        }
        self.done = 0

    def reset(self, scenario: Scenario) -> State:
        """Boot a new host and observe it; see :class:`Executor`."""
        self.boot(scenario)
        self._state = self._observed()
        return dict(self._state)

    def execute(self, operations: Sequence[Operation]) -> list[Answer]:
        """Run operations; see :class:`Executor`."""
        return [self._observed_answer(one) for one in operations]

    def _observed_answer(self, operation: Operation) -> Answer:
        answer = self.carry_out(operation)
        before, self._state = self._state, self._observed()
        return replace(answer, changed=changes(before, self._state))

    def carry_out(self, operation: Operation) -> Answer:
        """Run an operation without observing its changes."""
        self.done += 1
        try:
            return Answer(value=self._carry_out(operation))
        except KernelRefusal as refusal:
            return Answer(errno=refusal.errno or 0, rule=refusal.rule)
        except OSError as error:
            return Answer(errno=error.errno or 0)

    # ---- operations

    def _carry_out(self, operation: Operation) -> str | None:
        kernel = self.kernel
        match operation:
            case Write(path, data):
                tree, attribute = self._file(path)
                tree.check_open(attribute, reads=False, writes=True)
                return str(tree.write(attribute, data))
            case Read(path):
                tree, attribute = self._file(path)
                tree.check_open(attribute, reads=True, writes=False)
                return tree.read(attribute).decode("latin-1")
            case Load(module, parameters):
                kernel.modules.load(module, parameters)
            case Unload(module):
                kernel.modules.unload(module)
            case Unplug(address):
                self._unplug(address)
            case Plug(address):
                self._plug(address)
        return None

    def _unplug(self, address: str) -> None:
        try:
            self._unplugged[address] = self.kernel.pci.unplug(address)
        except KeyError:
            raise OSError(ENOENT, "no such function", address) from None

    def _plug(self, address: str) -> None:
        bridge = self._bridges.get(address[:-5])
        if bridge is not None and bridge not in self.kernel.pci.devices:
            raise OSError(ENODEV, "the bus was removed with its bridge", address)
        function = self._unplugged.pop(address, None)
        if function is None:
            raise OSError(EEXIST, "no function was unplugged", address)
        self.kernel.pci.plug(function)

    def _file(self, path: str) -> tuple[Tree, Attribute]:
        """Return the file at a path.

        :raises OSError: ENOENT, EISDIR or EACCES: the path is no file.
        """
        top, _, rest = path.strip("/").partition("/")
        tree = self._trees.get(top)
        node = tree.resolve(rest) if tree else None
        if tree is None or node is None:
            raise OSError(ENOENT, "no such file", path)
        if isinstance(node, Directory):
            raise OSError(EISDIR, "is a directory", path)
        if not isinstance(node, Attribute):
            raise OSError(EACCES, "not a text file", path)
        return tree, node

    # ---- observation

    def _observed(self) -> State:
        state: State = {}
        for root in self._roots:
            top, _, rest = root.strip("/").partition("/")
            tree = self._trees[top]
            node = tree.lookup(rest)
            if node is None:
                continue
            _add(state, tree, root, node)
            if isinstance(node, Directory):
                for path, entry in walk(node, root, skip=is_not_modelled):
                    _add(state, tree, path, entry)
        return state


def _add(state: State, tree: Tree, path: str, node: Node) -> None:
    """Add one node to a state."""
    if isinstance(node, Directory):
        state[f"{path}/"] = ""
    elif isinstance(node, Link):
        state[path] = f"-> {node.target}"
    elif isinstance(node, DeviceNode):
        state[path] = f"character device {node.mode:04o}"
    else:
        state[path] = _text(tree, node)


def _text(tree: Tree, attribute: Attribute) -> str:
    mode = f"{attribute.mode:04o}"
    if not attribute.mode & 0o444 or attribute.show is None:
        return mode
    try:
        return f"{mode} {tree.read(attribute).decode('latin-1')}"
    except KernelRefusal as refusal:
        return f"{mode} !{errorcode.get(refusal.errno or 0, refusal.errno)}"
