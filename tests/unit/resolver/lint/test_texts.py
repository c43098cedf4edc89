"""Modules from modinfo output and from modules.alias."""

from __future__ import annotations

import pytest

from resolver.errors import UsageError
from resolver.lint.module import Alias, Module
from resolver.lint.texts import modules_of_text
from tests.unit.resolver.lint.making import VF

MODINFO = f"""\
filename:       /lib/modules/6.12.1/updates/mlx5-vfio-pci.ko.xz
description:    MLX5 VFIO PCI: User Level meta-driver
license:        GPL
alias:          {VF}
softdep:        pre: mlx5_core
depends:        mlx5_core,vfio-pci-core,vfio
retpoline:      Y
name:           mlx5_vfio_pci
vermagic:       6.12.1 SMP preempt mod_unload modversions
sig_id:         PKCS#7
signature:      30:65:02:31:00
\t\t01:02
filename:       /lib/modules/6.12.1/kernel/acme.ko
license:        GPL
depends:
"""


def test_modinfo_is_read() -> None:
    """Several modules, in the order of the text, with the lines of their aliases."""
    one, other = modules_of_text(MODINFO.encode(), "-")

    assert one == Module(
        path="-",
        name="mlx5_vfio_pci",
        form="modinfo",
        aliases=(Alias(VF, 4),),
        depends=("mlx5_core", "vfio_pci_core", "vfio"),
        softdeps=("pre: mlx5_core",),
        license="GPL",
        vermagic="6.12.1 SMP preempt mod_unload modversions",
        is_signed=True,
    )
    assert (other.name, other.depends, other.is_signed) == ("acme", (), False)


def test_modules_alias_is_read() -> None:
    """By module, with the lines of the file; what is no alias is passed over."""
    text = f"# Aliases extracted\nalias {VF} mlx5_vfio_pci\nalias x acme-b\n\nalias y\n"
    found = modules_of_text(text.encode(), "modules.alias")

    assert [(one.name, one.aliases) for one in found] == [
        ("mlx5_vfio_pci", (Alias(VF, 2),)),
        ("acme_b", (Alias("x", 3),)),
    ]
    assert all(one.depends is None and one.license is None for one in found)


@pytest.mark.parametrize("text", ["", "hello\n", "<html>\n", "a b: c\n"])
def test_other_texts_are_an_error(text: str) -> None:
    """It says what can be looked at."""
    with pytest.raises(UsageError, match="nor a text about modules") as problem:
        modules_of_text(text.encode(), "README")
    assert "modinfo" in problem.value.hint
