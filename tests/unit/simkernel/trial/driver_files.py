"""Minimal module files for tests."""

from __future__ import annotations

from pathlib import Path

from simkernel.kmod.elf import write_module

__all__ = ["VARIANT", "module_file"]

VARIANT = "vfio_pci:v00001B36d00007F01sv*sd*bc*sc*i*"


def module_file(
    folder: Path,
    name: str = "acme-vfio-pci",
    aliases: tuple[str, ...] = (VARIANT,),
    depends: str = "vfio_pci_core,vfio",
    **info: str,
) -> Path:
    """Write a module that does not contain its driver's name."""
    pairs = [("license", "GPL"), *(("alias", one) for one in aliases)]
    pairs += [("depends", depends), ("name", name.replace("-", "_"))]
    pairs += [("vermagic", "6.12.0-acme SMP"), *info.items()]
    path = folder / f"{name}.ko"
    path.write_bytes(write_module(name.replace("-", "_"), pairs))
    return path
