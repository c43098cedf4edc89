"""Modules and kernels for tests, each as it should be but for what a test says."""

from __future__ import annotations

from typing import Any

from resolver.lint.judgement import Report, judge, selected
from resolver.lint.kernel import Kernel, Texts, Trust, kernel_of
from resolver.lint.module import Alias, Binary, Module
from resolver.lint.names import Names

VF = "vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i*"
MAGIC = "6.12.1 SMP preempt mod_unload modversions "
NAMES = Names(b"15b3  Mellanox Technologies\n\t101e  ConnectX VF\n8086  Intel\n")
NO_NAMES = Names()


def module(*patterns: str, name: str = "mlx5_vfio_pci", **facts: Any) -> Module:
    """Return a variant with aliases; those of the ConnectX, if none are named."""
    known: dict[str, Any] = {
        "path": f"{name}.ko",
        "form": "ko",
        "depends": ("vfio_pci_core", "vfio"),
        "softdeps": (),
        "license": "GPL",
        "vermagic": MAGIC,
        "is_signed": True,
        "binary": Binary((name,), (), frozenset({"vfio_pci_core_register_device"})),
    }
    aliases = tuple(Alias(one) for one in patterns or (VF,))
    return Module(name=name, aliases=aliases, **(known | facts))


def kernel(aliases: str = "", **facts: Any) -> Kernel:
    """Return a kernel with vfio-pci, the host's driver of the ConnectX, and aliases."""
    stock = (
        "alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci\n"
        "alias pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_core\n"
    )
    paths = (
        "vfio/vfio.ko",
        "vfio/pci/vfio-pci-core.ko",
        "vfio/pci/vfio-pci.ko",
        "net/mlx5_core.ko",
    )
    texts = {
        "aliases": (stock + aliases).encode(),
        "dep": "".join(f"kernel/drivers/{one}.xz:\n" for one in paths).encode(),
    }
    texts |= {key: value for key, value in facts.items() if key in Texts._fields}
    trust = {"vermagic": MAGIC, "is_signed": True}
    trust |= {key: value for key, value in facts.items() if key in Trust._fields}
    directory = "/lib/modules/6.12.1"
    return kernel_of("6.12.1", directory, Texts(**texts), Trust(**trust))


def looked_at(*modules: Module, against: Kernel | None = None) -> Report:
    """Return the report of every check."""
    return judge(modules, against, NO_NAMES, selected((), ()))


def ids(*modules: Module, against: Kernel | None = None) -> list[str]:
    """Return the checks that found something, in the order of the report."""
    return [one.check.id for one in looked_at(*modules, against=against).findings]
