"""Lines of modprobe.d as people write them, and what they do to one module.

``loads``: modprobe loads the module. ``no N``: line N prohibits it. ``runs N``: it runs
the program of line N.
"""

from __future__ import annotations

from typing import Final

from simkernel.model.modules.spec import ModuleSpec

__all__ = ["COMMAND_LINES", "LINES", "MODULES"]


def _module(name: str, *needs: str, aliases: tuple[str, ...] = ()) -> ModuleSpec:
    path = f"kernel/{name.replace('_', '-')}.ko"
    return ModuleSpec(name=name, path=path, depends=needs, aliases=aliases)


MODULES: Final = [
    _module("irqbypass"),
    _module("vfio"),
    _module("vfio_iommu_type1", "vfio"),
    _module("vfio_pci_core", "vfio", "irqbypass"),
    _module("vfio_pci", "vfio_pci_core", "vfio", aliases=("vfio_pci:v*d*",)),
    _module("nouveau", aliases=("pci:v000010DEd*",)),
    _module("nvidia", aliases=("pci:v000010DEd*",)),
    _module("snd_hda_intel", aliases=("pci:v*d*bc04sc03i00*",)),
    _module("usb_storage"),
    _module("cramfs"),
    ModuleSpec(name="xhci_pci", path="kernel/xhci-pci.ko", builtin=True),
]
"""The modules of the host on which the lines are tried."""

LINES: Final = [
    # Nothing to do with the module, or options only.
    ("", "vfio_pci", "loads"),
    ("options vfio-pci ids=10de:1b80,10de:10f0 disable_vga=1", "vfio_pci", "loads"),
    ("options vfio-pci ids=10de:1b80 x-no-kvm=1\noptions kvm a=b", "vfio_pci", "loads"),
    ("options vfio_iommu_type1 allow_unsafe_interrupts=1", "vfio_pci", "loads"),
    ("options vfio enable_unsafe_noiommu_mode=1", "vfio_pci", "loads"),
    ("options nouveau modeset=0", "nouveau", "loads"),
    ("# blacklist vfio-pci", "vfio_pci", "loads"),
    ("  # blacklist vfio-pci", "vfio_pci", "loads"),
    ("vfio-pci", "vfio_pci", "loads"),
    ("bogus vfio-pci", "vfio_pci", "loads"),
    ("include /etc/modprobe.d/x", "vfio_pci", "loads"),
    # Blacklists.
    ("blacklist nouveau", "nouveau", "no 1"),
    ("blacklist nouveau\noptions nouveau modeset=0", "nouveau", "no 1"),
    ("blacklist vfio-pci", "vfio_pci", "no 1"),
    ("blacklist vfio_pci", "vfio_pci", "no 1"),
    ("\tblacklist\t vfio-pci ", "vfio_pci", "no 1"),
    ("blacklist vfio-pci # for now", "vfio_pci", "no 1"),
    ("blacklist nouveau vfio_pci", "vfio_pci", "loads"),
    ("Blacklist vfio-pci", "vfio_pci", "loads"),
    ("blacklist", "vfio_pci", "loads"),
    ("blacklist vfio*", "vfio_pci", "loads"),
    ("blacklist vfio-pci-core", "vfio_pci", "loads"),
    ("blacklist vfio", "vfio_pci", "loads"),
    ("blacklist vfio_pci:v*d*", "vfio_pci", "loads"),
    ("blacklist pci:v000010DEd*", "nouveau", "loads"),
    ("blacklist vfio-pci\r", "vfio_pci", "loads"),
    ("blacklist vfio-pci\u00a0", "vfio_pci", "loads"),
    ("blacklist\u00a0vfio-pci", "vfio_pci", "loads"),
    ("blacklist vfio-pci\f", "vfio_pci", "loads"),
    ("blacklist \\\nvfio-pci", "vfio_pci", "no 1"),
    ("blacklist vfio\\\n-pci", "vfio_pci", "no 1"),
    ("blacklist\\\nvfio-pci", "vfio_pci", "loads"),
    ("# note \\\nblacklist vfio-pci", "vfio_pci", "loads"),
    ("blacklist vfio-pci\\", "vfio_pci", "loads"),
    ("\ufeffblacklist vfio-pci", "vfio_pci", "loads"),
    # Install lines that load nothing.
    ("install usb-storage /bin/true", "usb_storage", "no 1"),
    ("install usb-storage /bin/false", "usb_storage", "no 1"),
    ("install cramfs /usr/bin/false", "cramfs", "no 1"),
    ("install cramfs /bin/false # CIS 1.1.1.1", "cramfs", "no 1"),
    ("install cramfs :", "cramfs", "no 1"),
    ("install cramfs exit 1", "cramfs", "no 1"),
    ("install cramfs true; exit 0", "cramfs", "no 1"),
    ("install vfio* /bin/false", "vfio_pci", "no 1"),
    ("install vfio-* /bin/false", "vfio_pci", "no 1"),
    ("install vfio[_-]pci /bin/false", "vfio_pci", "no 1"),
    ("install vfio?pci /bin/false", "vfio_pci", "no 1"),
    ("install * /bin/true", "vfio_pci", "no 1"),
    ("install VFIO_PCI /bin/false", "vfio_pci", "loads"),
    ("install vfio_pci", "vfio_pci", "loads"),
    ("install vfio_pci ", "vfio_pci", "loads"),
    ("install vfio_pci   ", "vfio_pci", "no 1"),
    ("install vfio_pci\t/bin/false", "vfio_pci", "no 1"),
    ("install vfio_pci\r/bin/false", "vfio_pci", "loads"),
    ("install vfio-pci-core /bin/false", "vfio_pci", "no 1"),
    ("install irqbypass /bin/true", "vfio_pci", "no 1"),
    ("install vfio-iommu-type1 /bin/false", "vfio_pci", "loads"),
    # Install lines with a program.
    ("install vfio-pci /bin/vfio-pci-override-vga.sh", "vfio_pci", "runs 1"),
    ("install vfio-pci /sbin/vfio-pci-override.sh\noptions vfio-pci ids=1:2",
     "vfio_pci", "runs 1"),
    ("install vfio-pci /sbin/modprobe --ignore-install vfio-pci $CMDLINE_OPTS && "
     "echo 1 > /sys/x", "vfio_pci", "runs 1"),
    ("install vfio-pci true && modprobe -i vfio-pci", "vfio_pci", "runs 1"),
    ("install nvidia /sbin/modprobe vfio-pci; /sbin/modprobe -i nvidia",
     "nvidia", "runs 1"),
    ("install vfio-pci-core /bin/x; modprobe -i vfio-pci-core", "vfio_pci", "runs 1"),
    ("install vfio-pci echo $(modprobe -i vfio-pci)", "vfio_pci", "runs 1"),
    # Several lines.
    ("install vfio-pci /bin/x\ninstall vfio-pci /bin/false", "vfio_pci", "runs 1"),
    ("install vfio* /bin/false\ninstall vfio-pci /bin/x", "vfio_pci", "no 1"),
    ("install vfio-pci modprobe -i vfio-pci\nblacklist vfio-pci", "vfio_pci", "no 2"),
    ("install nouveau /bin/true\nblacklist vfio-pci", "vfio_pci", "no 2"),
    # Aliases.
    ("alias vfio-pci off", "vfio_pci", "no 1"),
    ("alias vfio* off", "vfio_pci", "no 1"),
    ("alias nouveau off", "nouveau", "no 1"),
    ("alias pci:v000010DEd* off", "nouveau", "loads"),
    ("alias pci:v000010DEd00001B80sv*sd*bc*sc*i* vfio-pci", "vfio_pci", "loads"),
    ("alias vfio-pci nouveau", "vfio_pci", "no 1"),
    ("alias vfio-pci vfio-pci", "vfio_pci", "loads"),
    ("alias vfio-pci off\nalias vfio-pci vfio-pci", "vfio_pci", "loads"),
    ("alias vfio-pci", "vfio_pci", "loads"),
    ("alias vfio-pci x-pci\nblacklist x-pci", "vfio_pci", "no 2"),
    ("alias [vfio-pci off", "vfio_pci", "loads"),
    # Soft dependencies.
    ("softdep nouveau pre: vfio-pci", "nouveau", "loads"),
    ("softdep nvidia pre: vfio-pci\nsoftdep snd_hda_intel pre: vfio-pci",
     "snd_hda_intel", "loads"),
    ("softdep xhci_hcd pre: vfio-pci", "vfio_pci", "loads"),
    ("install vfio-pci /bin/false\nsoftdep vfio-pci pre: irqbypass",
     "vfio_pci", "loads"),
    ("install vfio-pci /bin/false\nsoftdep vfio-pci post: irqbypass",
     "vfio_pci", "loads"),
    ("install vfio-pci /bin/false\nsoftdep vfio-pci pre: xhci-pci",
     "vfio_pci", "loads"),
    ("install vfio-pci /bin/false\nsoftdep vfio-pci pre: no-such-module",
     "vfio_pci", "no 1"),
    ("install vfio-pci /bin/false\nsoftdep vfio-pci irqbypass", "vfio_pci", "no 1"),
    ("install vfio-pci /bin/false\nsoftdep vfio* pre: nouveau", "vfio_pci", "loads"),
    ("install irqbypass /bin/false\nsoftdep nouveau pre: irqbypass",
     "nouveau", "loads"),
    ("blacklist nouveau\nsoftdep nouveau pre: vfio-pci", "nouveau", "no 1"),
    ("softdep vfio pre: vfio-pci\nsoftdep vfio-pci pre: vfio", "vfio_pci", "loads"),
    # Other keywords.
    ("remove vfio-pci /bin/false", "vfio_pci", "loads"),
    ("config x", "vfio_pci", "loads"),
]  # fmt: skip
"""Text of a file, module, and what happens."""

COMMAND_LINES: Final = [
    ("modprobe.blacklist=vfio_pci", "vfio_pci", "no"),
    ("modprobe.blacklist=nouveau,vfio_pci quiet", "vfio_pci", "no"),
    ("modprobe.blacklist=vfio-pci", "vfio_pci", "loads"),
    ("modprobe.blacklist=vfio", "vfio_pci", "loads"),
    ("rd.driver.blacklist=vfio_pci", "vfio_pci", "loads"),
    ("vfio-pci.ids=10de:1b80,10de:10f0 vfio_pci.disable_vga=1", "vfio_pci", "loads"),
]
"""Kernel command line, module, and what happens."""
