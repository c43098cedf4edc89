"""``/sys/module``: modules, their parameters, holders and drivers."""

from __future__ import annotations

from collections.abc import Callable

from simkernel.filesystems.node import Attribute, Directory, Listing, Node, link
from simkernel.filesystems.sysfs import text
from simkernel.model.kernel import Kernel
from simkernel.model.modules.loaded import Module
from simkernel.model.modules.spec import ParameterSpec

__all__ = ["CORE_SIZE", "is_shown", "modules"]

CORE_SIZE = 12288
"""Bytes in ``coresize`` of each module: three pages, as of a small one."""


def modules(kernel: Kernel) -> Directory:
    """Return ``/sys/module``."""

    def names() -> list[str]:
        builtin = kernel.modules.builtin.values()
        shown = [one.name for one in builtin if is_shown(kernel, one)]
        return [*shown, *kernel.modules.loaded]

    def child(name: str) -> Node | None:
        module = kernel.modules.find(name)
        if module is None or not is_shown(kernel, module):
            return None
        return _module(kernel, module)

    return Directory({}, Listing(names, child))


def is_shown(kernel: Kernel, module: Module) -> bool:
    """Tell whether a module has a directory.

    A built-in module needs a parameter, a version or, on newer kernels, a driver.

    Source: kernel/params.c param_sysfs_builtin(), version_sysfs_builtin();
    drivers/base/module.c module_add_driver(). Rule: R-MOD-6.
    """
    spec = module.spec
    if not spec.builtin:
        return True
    visible = any(parameter.mode for parameter in spec.parameters)
    has_driver = bool(spec.drivers) and kernel.features.driver_makes_module
    return visible or has_driver or any(key == "version" for key, _ in spec.info)


def _module(kernel: Kernel, module: Module) -> Directory:
    """Return the directory of one module.

    Source: kernel/module/sysfs.c; observed on 6.12. Rule: R-MOD-7.
    """
    base = f"/module/{module.name}"

    def alive() -> bool:
        return kernel.modules.find(module.name) is module

    def read_only(show: Callable[[], str]) -> Callable[[], Node]:
        return lambda: Attribute(
            mode=0o444, show=lambda: f"{show()}\n".encode(), alive=alive
        )

    def send(data: bytes) -> None:
        action, variables = text.synthetic_uevent(data)
        kernel.uevents.emit(action, base, ("SUBSYSTEM", "module"), *variables)

    entries: dict[str, Callable[[], Node]] = {
        "uevent": lambda: Attribute(mode=0o200, store=send, alive=alive)
    }
    for key, value in module.spec.info:
        if key in ("version", "srcversion"):
            entries[key] = read_only(lambda value=value: value)  # type: ignore[misc]  # mypy sees no type for a default bound in a lambda
    if not module.spec.builtin:
        entries |= {
            "coresize": read_only(lambda: str(CORE_SIZE)),
            "holders": lambda: Directory({}, _holders(module, f"{base}/holders")),
            "initsize": read_only(lambda: "0"),
            "initstate": read_only(lambda: "live"),
            "notes": Directory,
            "refcnt": read_only(lambda: str(module.refcnt)),
            "sections": Directory,
            "taint": read_only(lambda: module.taint),
        }
    if any(parameter.mode for parameter in module.spec.parameters):
        entries["parameters"] = lambda: _parameters(module, alive)
    if module.spec.drivers:
        entries["drivers"] = lambda: _drivers(module, f"{base}/drivers")
    return Directory(entries)


def _holders(module: Module, base: str) -> Listing:
    """List the links in ``holders/``, in the order of lsmod.

    Source: fs/kernfs/dir.c kernfs_sd_compare(); observed on 6.12. Rule: R-MOD-11.
    """

    def child(name: str) -> Node | None:
        if name not in module.holders:
            return None
        return link(f"{base}/{name}", f"/module/{name}")

    return Listing(lambda: sorted(module.holders, key=text.name_hash), child)


def _drivers(module: Module, base: str) -> Directory:
    """Return ``drivers/``, with a link ``<bus>:<driver>`` to each driver.

    Source: drivers/base/module.c make_driver_name(). Rule: R-MOD-8.
    """

    def entry(driver_name: str, target: str) -> Callable[[], Node]:
        return lambda: link(f"{base}/{driver_name}", target)

    return Directory(
        {
            f"{driver.spec.bus}:{driver.name}": entry(
                f"{driver.spec.bus}:{driver.name}", driver.devpath
            )
            for driver in module.drivers
        }
    )


def _parameters(module: Module, alive: Callable[[], bool]) -> Directory:
    def file(spec: ParameterSpec) -> Callable[[], Node]:
        def store(data: bytes) -> None:
            module.set_parameter(spec.name, data)

        return lambda: Attribute(
            mode=spec.mode,
            show=lambda: f"{module.parameters[spec.name]}\n".encode("latin-1"),
            store=store if spec.mode & 0o200 else None,
            alive=alive,
        )

    return Directory(
        {spec.name: file(spec) for spec in module.spec.parameters if spec.mode}
    )
