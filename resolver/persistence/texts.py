"""The content of udev rules, units and driverctl files. Pure."""

from __future__ import annotations

from resolver.errors import FailedError

__all__ = ["boot_unit", "condition", "driverctl_file", "udev_rule"]


def udev_rule(bus: str, device: str) -> str:
    """Return the udev rule that starts the unit when a device appears.

    Source: udev(7); systemd.device(5), ``SYSTEMD_WANTS``.
    """
    return (
        "# Made by resolver bind --persist; resolver unpersist removes it.\n"
        f'ACTION=="add", SUBSYSTEM=="{bus}", KERNEL=="{device}", TAG+="systemd", \\\n'
        f'  ENV{{SYSTEMD_WANTS}}+="resolver-boot@{bus}-{device}.service"\n'
    )


def boot_unit(python: str) -> str:
    """Return the template unit that binds a device.

    The instance is the key. It starts after local file systems are mounted, and before
    services. It ends then, so that it starts again when the device is created anew.

    :param python: path of the Python interpreter with resolver.

    Source: systemd.unit(5), systemd.service(5), bootup(7).
    """
    return (
        "# Made by resolver bind --persist; resolver unpersist removes it.\n"
        "[Unit]\n"
        "Description=Bind %i to its VFIO driver\n"
        "ConditionPathExists=/etc/resolver/persistent/%i.json\n"
        "DefaultDependencies=no\n"
        f"RequiresMountsFor={_quoted(python)}\n"
        "After=local-fs.target\n"
        "Before=basic.target shutdown.target\n"
        "Conflicts=shutdown.target\n"
        "\n"
        "[Service]\n"
        "Type=oneshot\n"
        f"ExecStart={_quoted(python)} -m resolver boot %i\n"
        "TimeoutStartSec=5min\n"
    )


def driverctl_file(driver: str) -> str:
    """Return driverctl's file for a device: the driver, and a newline.

    Source: driverctl 0.111, its file below /etc/driverctl.d after ``set-override``.
    """
    return f"{driver}\n"


def condition(device: str, vendor_device: str) -> str:
    """Return the drop-in by which driverctl's unit skips another device.

    Source: systemd.service(5), ``ExecCondition=``; Linux, drivers/pci/pci-driver.c,
    pci_uevent(): ``PCI_ID`` in upper case.
    """
    kind = vendor_device.upper()
    return (
        "# Made by resolver bind --persist; resolver unpersist removes it.\n"
        "[Service]\n"
        f"ExecCondition=grep -qxF PCI_ID={kind} /sys/bus/pci/devices/{device}/uevent\n"
    )


# Source: systemd.syntax(7), quoting; systemd.unit(5), specifiers.
def _quoted(path: str) -> str:
    if any(character in path for character in "\n\r\0"):
        raise FailedError(f"invalid path in a unit: {path!r}")
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if escaped != path or " " in path else path
