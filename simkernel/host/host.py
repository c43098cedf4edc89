"""A simulated host: its kernel, its files, and its udev."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from simkernel.filesystems.added import AddedNodes, files_and_links
from simkernel.filesystems.devtmpfs import devtmpfs
from simkernel.filesystems.overlay import with_nodes
from simkernel.filesystems.procfs import procfs
from simkernel.filesystems.sysfs.root import sysfs
from simkernel.filesystems.tree import Tree
from simkernel.host.autoload import Autoload
from simkernel.host.files import PlainFiles
from simkernel.kmod import commands, depmod
from simkernel.kmod.context import Context
from simkernel.kmod.files import Files
from simkernel.kmod.syscalls import KernelSyscalls
from simkernel.model.kernel import Kernel
from simkernel.model.modules.spec import ModuleSpec

__all__ = ["Host"]


@dataclass(slots=True, kw_only=True)
class Host:
    """A simulated host."""

    kernel: Kernel
    modules: tuple[ModuleSpec, ...]
    """The modules in ``/lib/modules``, in link order."""
    files: dict[str, bytes]
    """Files by absolute path, except those of the modules. Below ``/sys``, ``/proc``
    and ``/dev``: files that the kernel model does not have."""
    links: dict[str, str] = field(default_factory=dict)
    """Targets of symbolic links in ``/sys``, ``/proc`` and ``/dev``, by path."""
    added: AddedNodes = field(default_factory=AddedNodes)
    """Directories, device nodes and processes that the kernel model does not have."""
    container: bool = False
    """Programs run in a container."""
    missing: tuple[str, ...] = ()
    """Missing files of the module directory."""
    compressed: bool = False
    """The kernel's own modules are installed as ``.ko.xz``."""
    build_folder: str = ""
    """Directory with copies of the other modules; empty: none."""
    modules_dir: str = ""
    """Module directory of a real kernel; empty: generated from ``modules``."""
    environment: dict[str, str] = field(default_factory=dict)
    """Environment variables for what runs on the host."""
    autoload: Autoload | None = None
    """Listener that loads modules; None: no udev runs."""

    def trees(self) -> dict[str, Tree]:
        """Return the trees of ``sys``, ``proc`` and ``dev`` by name."""
        trees = self.kernel_trees()
        nodes = files_and_links(self.files, self.links) | self.added.nodes(self.kernel)
        for name, tree in trees.items():
            start = f"/{name}/"
            added = {
                path.removeprefix(start): node
                for path, node in nodes.items()
                if path.startswith(start)
            }
            tree.root = with_nodes(tree.root, added)
        return trees

    def kernel_trees(self) -> dict[str, Tree]:
        """Return the trees without the nodes that the scenario adds."""
        return {
            "sys": sysfs(self.kernel),
            "proc": procfs(self.kernel, is_container=self.container),
            "dev": devtmpfs(self.kernel),
        }

    def plain_files(self) -> Iterator[tuple[str, bytes]]:
        """Yield path and content of each file outside these trees."""
        for path, data in self.files.items():
            if path.split("/")[1] not in ("sys", "proc", "dev"):
                yield path, data

    def module_files(self) -> Iterator[tuple[str, bytes]]:
        """Yield path and content of each module file and index.

        Files of the build directory follow.
        """
        kernel = self.kernel
        made: Mapping[str, bytes] = depmod.generate(
            self.modules,
            kernel.release,
            builtin_table_aliases=kernel.features.builtin_table_aliases,
            compress=self.compressed,
        )
        for name in made:
            if name not in self.missing and not self.modules_dir:
                yield f"/lib/modules/{kernel.release}/{name}", made[name]
            if self.build_folder and _is_built_apart(name):
                yield f"{self.build_folder}/{name.rpartition('/')[2]}", made[name]

    def syscalls(self) -> KernelSyscalls:
        """Return the system calls that load and unload modules."""
        return KernelSyscalls(self.kernel, takes_unknown=bool(self.modules_dir))

    def context(
        self,
        files: Files,
        *,
        uid: int = 0,
        environment: Mapping[str, str] | None = None,
    ) -> Context:
        """Return the context for kmod commands on this host.

        :param files: the host's files, as the tier shows them.
        """
        return Context(
            files=files,
            syscalls=self.syscalls(),
            release=self.kernel.release,
            uid=uid,
            environment=environment or {},
        )

    def start_udev(self) -> None:
        """Start udev, which loads modules for new devices."""
        plain = dict(self.module_files()) | self.files
        self.autoload = Autoload(lambda modalias: None)
        self.load_through(PlainFiles(self.kernel, plain))
        self.kernel.uevents.listeners.append(self.autoload.hear)
        self.kernel.notifier.subscribe(self.autoload)

    def stop_udev(self) -> None:
        """Stop udev, because the tier runs another one."""
        if self.autoload is None:
            return
        self.kernel.uevents.listeners.remove(self.autoload.hear)
        self.kernel.notifier.unsubscribe(self.autoload)
        self.autoload = None

    def load_through(self, files: Files) -> None:
        """Make udev read the host's files as a tier shows them."""
        if self.autoload is None:
            return
        context = self.context(files)

        def load(modalias: str) -> None:
            commands.run(["modprobe", "-b", "-q", modalias], context)

        self.autoload.load = load


def _is_built_apart(path: str) -> bool:
    return path.endswith(".ko") and not path.startswith("kernel/")
