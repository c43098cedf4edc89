"""Generates the C source of a stub module.

The source has only tables; the behaviour is in ``stub/*.h``. The result is a real
module: the kernel handles its aliases, parameters, drivers and dependencies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from simkernel.errors import UsageError
from simkernel.model.core.driver_spec import DriverSpec, PciId
from simkernel.model.modules.spec import DeviceSpec, ModuleSpec, ParameterSpec
from simkernel.scenario.schema import ModuleEntry

__all__ = ["headers", "source"]

_GPL = {
    "GPL",
    "GPL v2",
    "GPL and additional rights",
    "Dual BSD/GPL",
    "Dual MIT/GPL",
    "Dual MPL/GPL",
}
"""Licences that allow a module to use GPL-only symbols.

Source: include/linux/license.h license_is_gpl_compatible().
"""


def headers() -> dict[str, bytes]:
    """Return the header files for the generated sources: name to content."""
    folder = Path(__file__).parent / "stub"
    return {one.name: one.read_bytes() for one in sorted(folder.glob("*.h"))}


def source(
    entry: ModuleEntry,
    spec: ModuleSpec,
    *,
    exports: Sequence[str] = (),
    needs: Sequence[str] = (),
) -> str:
    """Return the source of a module.

    :param entry: the module in the scenario.
    :param spec: the same module, as built for this kernel.
    :param exports: symbols that other modules need.
    :param needs: symbols of the modules that it depends on.
    :raises UsageError: a driver or device is on a bus that a PC lacks.
    """
    lines = [*_includes(spec), ""]
    lines += [f"STUB_EXPORT({one});" for one in exports]
    lines += [f"STUB_NEEDS({one});" for one in needs]
    for parameter in spec.parameters:
        lines += _parameter(parameter)
    parts = []
    exported = [one.exports_ids for one in entry.drivers]
    for number, driver in enumerate(spec.drivers):
        lines += _driver(driver, number, exports_ids=exported[number])
        parts.append(f"STUB_{driver.bus.upper()}(driver_{number})")
    for number, device in enumerate(spec.devices):
        lines += _device(device, number)
        parts.append(f"STUB_DEVICE(device_{number})")
    if spec.hotplug_control:
        parts.append("STUB_CONTROL")
    return "\n".join([*lines, *_end(spec, parts), *_info(entry, spec)]) + "\n"


def _includes(spec: ModuleSpec) -> Iterator[str]:
    if any(one.vfio and one.bus == "pci" for one in spec.drivers):
        yield "#define STUB_VFIO"
    yield '#include "stub.h"'
    buses = {one.bus for one in spec.drivers} | {one.bus for one in spec.devices}
    for bus in sorted(buses):
        if bus not in ("pci", "platform"):
            raise UsageError(f"module {spec.name}: bus {bus} is not on a PC")
        yield f'#include "stub_{bus}.h"'
    if spec.hotplug_control:
        yield '#include "stub_control.h"'


def _quoted(text: str) -> str:
    """Return a C string; special characters become octal bytes."""
    plain = set(range(0x20, 0x7F)) - set(b'"\\?')
    octal = (chr(one) if one in plain else f"\\{one:03o}" for one in text.encode())
    return f'"{"".join(octal)}"'


# ---- parameters


def _parameter(it: ParameterSpec) -> Iterator[str]:
    """Declare a parameter, and a function that returns its value."""
    kind = {"charp": "char *"}.get(it.type, f"{it.type} ")
    value = {
        "charp": _quoted(it.default),
        "bool": str(int(it.default.lower() in ("y", "1", "on"))),
    }.get(it.type, it.default)
    yield f"static {kind}parameter_{it.name} = {value};"
    # The kernel's build refuses world-writable parameters.
    mode = f"{it.mode & ~0o002:#05o}".replace("0o", "0")
    yield f"module_param_named({it.name}, parameter_{it.name}, {it.type}, {mode});"
    if it.description:
        yield f"MODULE_PARM_DESC({it.name}, {_quoted(it.description)});"
    if it.type != "charp":
        yield f"static __maybe_unused int get_{it.name}(void)"
        yield f"{{\n\treturn parameter_{it.name};\n}}"


def _behaviour(it: DriverSpec) -> Iterator[str]:
    yield "\t.behaviour = {"
    for field, number in (
        ("probe_errno", it.probe_errno),
        ("probe_ms", it.probe_ms),
        ("remove_ms", it.remove_ms),
    ):
        if number:
            yield f"\t\t.{field} = {number},"
    for field, name in (
        ("probe_result", it.probe_parameter),
        ("sriov_enable", it.sriov_enable_parameter),
        ("sriov_result", it.sriov_result_parameter),
        ("keeps_vfs", it.keeps_vfs_parameter),
    ):
        if name:
            yield f"\t\t.{field} = get_{name},"
    if it.counts_probes_in:
        yield f"\t\t.probes = &parameter_{it.counts_probes_in},"
    if it.notes_probe_in:
        yield f"\t\t.note = &parameter_{it.notes_probe_in},"
    yield "\t},"


# ---- drivers and devices


def _driver(it: DriverSpec, number: int, *, exports_ids: bool) -> Iterator[str]:
    if it.bus == "pci":
        yield from _pci_driver(it, number, exports_ids=exports_ids)
    else:
        yield from _platform_driver(it, number, exports_ids=exports_ids)


def _pci_driver(it: DriverSpec, number: int, *, exports_ids: bool) -> Iterator[str]:
    if it.ids:
        yield f"static const struct pci_device_id ids_{number}[] = {{"
        yield from map(_pci_id, it.ids)
        yield "\t{ }\n};"
        if exports_ids:
            yield f"MODULE_DEVICE_TABLE(pci, ids_{number});"
    if it.vfio:
        yield f"static const struct vfio_device_ops operations_{number} ="
        yield f"\tSTUB_VFIO_OPERATIONS({_quoted(it.name)});"
    yield f"static struct stub_pci_driver driver_{number} = {{"
    yield from _behaviour(it)
    if it.sriov:
        yield "\t.sriov = true,"
    if it.virtual_only:
        yield f"\t.virtual_only = {it.virtual_only},"
    if it.vfio:
        yield f"\t.vfio = &operations_{number},"
    yield "\t.driver = {"
    yield f"\t\t.name = {_quoted(it.name)},"
    yield "\t\t.probe = stub_pci_probe,\n\t\t.remove = stub_pci_remove,"
    if it.ids:
        yield f"\t\t.id_table = ids_{number},"
    if it.sriov:
        yield "\t\t.sriov_configure = stub_pci_sriov,"
    if it.vfio or it.managed_dma:
        yield "\t\t.driver_managed_dma = true,"
    if it.vfio:
        yield "\t\t.err_handler = &vfio_pci_core_err_handlers,"
    yield "\t},\n};"


def _pci_id(it: PciId) -> str:
    fields = (
        f".vendor = {it.vendor:#x}, .device = {it.device:#x}, "
        f".subvendor = {it.subvendor:#x}, .subdevice = {it.subdevice:#x}, "
        f".class = {it.class_:#x}, .class_mask = {it.class_mask:#x}, "
        f".driver_data = {it.driver_data:#x}"
    )
    if it.override_only:
        fields += ", .override_only = PCI_ID_F_VFIO_DRIVER_OVERRIDE"
    return f"\t{{ {fields} }},"


def _platform_driver(
    it: DriverSpec, number: int, *, exports_ids: bool
) -> Iterator[str]:
    if it.match:
        yield f"static const struct platform_device_id ids_{number}[] = {{"
        for name in it.match:
            yield f"\t{{ .name = {_quoted(name)} }},"
        yield "\t{ }\n};"
        if exports_ids:
            yield f"MODULE_DEVICE_TABLE(platform, ids_{number});"
    yield f"static struct stub_platform_driver driver_{number} = {{"
    yield from _behaviour(it)
    yield "\t.driver = {"
    yield f"\t\t.driver.name = {_quoted(it.name)},"
    yield "\t\t.probe = stub_platform_probe,\n\t\t.remove = stub_platform_remove,"
    if it.match:
        yield f"\t\t.id_table = ids_{number},"
    yield "\t},\n};"


def _device(it: DeviceSpec, number: int) -> Iterator[str]:
    """Declare a platform device: the name that drivers match, and a number."""
    suffix = it.name.removeprefix(it.id)
    known = {"": "PLATFORM_DEVID_NONE", ".auto": "PLATFORM_DEVID_AUTO"}
    identity = known.get(suffix, suffix.removeprefix("."))
    if suffix not in known and not (suffix[:1] == "." and identity.isdecimal()):
        raise UsageError(
            f"device {it.name}: the platform bus would name it {it.id}, "
            f"{it.id}.NUMBER or {it.id}.auto"
        )
    yield f"static struct stub_platform_device device_{number} = {{"
    yield f"\t.name = {_quoted(it.id)},\n\t.id = {identity},\n}};"


# ---- the rest


def _end(spec: ModuleSpec, parts: Sequence[str]) -> Iterator[str]:
    yield "static const struct stub_part stub_parts[] = {"
    yield from (f"\t{one}," for one in parts)
    yield "};"
    yield f"#define STUB_INIT_MS {spec.init_ms}"
    yield f"#define STUB_INIT_ERRNO {spec.init_errno}"
    yield f"#define STUB_LATE_MS {spec.late_ms}"
    yield '#include "stub_module.h"'


def _info(entry: ModuleEntry, spec: ModuleSpec) -> Iterator[str]:
    """Declare the texts for ``modinfo``; modpost adds srcversion."""
    info = dict(spec.info)
    license_ = info.get("license", "")
    info["license"] = license_ if license_ in _GPL else "GPL"
    for key, text in info.items():
        macros = {"license": "MODULE_LICENSE", "version": "MODULE_VERSION"}
        if key in macros:
            yield f"{macros[key]}({_quoted(text)});"
        elif key != "srcversion":
            yield f"MODULE_INFO({key}, {_quoted(text)});"
    yield from (f"MODULE_ALIAS({_quoted(one)});" for one in entry.aliases)
    yield from (f"MODULE_SOFTDEP({_quoted(one)});" for one in spec.softdeps)
