"""A module in the kernel: parameters, users, drivers, devices."""

from __future__ import annotations

from errno import EINVAL

from simkernel.errors import KernelRefusal
from simkernel.model.core import kstrtox
from simkernel.model.core.device import Device, Driver
from simkernel.model.modules.spec import ModuleSpec, ParameterSpec

__all__ = ["Module"]


class Module:
    """A module in the kernel, loaded or built in."""

    __slots__ = (
        "devices",
        "drivers",
        "holders",
        "parameters",
        "pins",
        "spec",
        "used",
    )

    def __init__(self, spec: ModuleSpec) -> None:
        self.spec = spec
        self.parameters = {entry.name: entry.default for entry in spec.parameters}
        self.drivers: list[Driver] = []
        self.devices: list[Device] = []
        """Devices that its init function added."""
        self.holders: dict[str, Module] = {}
        """Loaded modules that use this one, in load order."""
        self.used: list[Module] = []
        """Loaded modules that this one uses."""
        self.pins = 0
        """References held by its mounted file systems."""

    @property
    def name(self) -> str:
        """Name below ``/sys/module``: underscores only."""
        return self.spec.name

    @property
    def refcnt(self) -> int:
        """Number of users: holders and mounts; bound devices do not count.

        Source: kernel/module/main.c module_refcount(); observed on 6.12.
        Rule: R-MOD-3.
        """
        return len(self.holders) + self.pins

    @property
    def taint(self) -> str:
        """Letters of the ``taint`` file: ``O`` out of tree, ``E`` unsigned.

        Source: kernel/module/main.c module_flags_taint().
        """
        in_tree = self.spec.path.startswith("kernel/")
        return "" if in_tree else "OE"

    def number(self, parameter: str) -> int:
        """Return a parameter as a number (``Y`` is 1); 0: none."""
        text = self.parameters.get(parameter, "0")
        if text in ("Y", "N"):
            return int(text == "Y")
        return int(text)

    def set_parameter(self, name: str, data: bytes | None) -> None:
        """Set a parameter, from the command line or through sysfs.

        A name that the module does not have is ignored.

        :param data: text after ``=``; None: the name stands alone.
        :raises KernelRefusal: EINVAL or ERANGE, not a value of its type.

        Source: kernel/params.c param_set_int(), param_set_bool(). Rule: R-MOD-5.
        """
        spec = next((one for one in self.spec.parameters if one.name == name), None)
        if spec is None:
            return
        self.parameters[name] = _parameter_text(spec, data)


def _parameter_text(spec: ParameterSpec, data: bytes | None) -> str:
    if spec.type == "bool":
        if data is None:
            return "Y"
        return "Y" if kstrtox.kstrtobool(data, rule="R-MOD-5") else "N"
    if data is None:
        raise KernelRefusal(EINVAL, "R-MOD-5")
    if spec.type == "charp":
        return kstrtox.c_string(data).decode("latin-1")
    if spec.type == "uint":
        return str(kstrtox.kstrtouint(data, bits=32, rule="R-MOD-5"))
    return str(kstrtox.kstrtoint(data, rule="R-MOD-5"))
