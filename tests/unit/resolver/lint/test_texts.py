"""What modinfo prints and what depmod writes, read back; names; what was kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.errors import UsageError
from resolver.lint.cache import packed, unpacked
from resolver.lint.module import Alias, Binary, Module, TableEntry
from resolver.lint.names import Names
from resolver.lint.texts import modules_of_text
from resolver.linux.module_files import FileStatus
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
PCI_IDS = b"""\
# comment
0001  SafeNet
15b3  Mellanox Technologies
\t1017  MT27800 Family
\t\t15b3 0006  a card
\t101e  ConnectX VF
8086  Intel Corporation
\t101e  82540EP
C 02  Network controller
\t00  Ethernet controller
"""
texts = st.text(max_size=20)


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


def test_names_of_devices() -> None:
    """The vendor's own devices count, not those of the next one."""
    names = Names(PCI_IDS)

    assert names.of("15b3", "101e") == "Mellanox Technologies ConnectX VF"
    assert names.of("8086", "101e") == "Intel Corporation 82540EP"
    assert (
        names.of("15b3", "0006") == "Mellanox Technologies, a device that is not listed"
    )
    assert names.of("0001", "1017") == "SafeNet, a device that is not listed"
    assert names.of("dead", "101e") == ""
    assert names.has("15b3", "1017")
    assert not names.has("0001", "1017")
    assert not Names().is_there
    assert Names().of("15b3", "101e") == ""


modules = st.builds(
    Module,
    path=st.just("m.ko"),
    name=texts,
    form=st.just("ko"),
    aliases=st.lists(st.builds(Alias, texts)).map(tuple),
    depends=st.lists(texts).map(tuple),
    softdeps=st.lists(texts).map(tuple),
    license=texts,
    vermagic=texts,
    is_signed=st.booleans(),
    binary=st.none()
    | st.builds(
        Binary,
        st.lists(texts).map(tuple),
        st.lists(st.builds(TableEntry, texts, texts)).map(tuple),
        st.frozensets(texts),
    ),
)


@given(one=modules)
def test_what_is_kept_is_found_again(one: Module) -> None:
    """All of it; and nothing once size or time of the file are others."""
    status = FileStatus("m.ko", 10, 20)
    data = packed([(status, one)])

    assert unpacked(data, [status]) == {status: one}
    for other in (FileStatus("m.ko", 11, 20), FileStatus("m.ko", 10, 21)):
        assert unpacked(data, [other]) == {}


@pytest.mark.parametrize(
    "data",
    [
        *(None, b"", b"garbage", b"[]", b"{}", b'{"version": 0, "files": {}}'),
        b'{"version": 1, "files": {"m.ko": [10, 20, ["m", 1]]}}',
        b'{"version": 1, "files": {"m.ko": 1}}',
        b'{"version": 1, "files": []}',
        b"\xff\xfe",
    ],
)
def test_what_is_kept_may_be_broken(data: bytes | None) -> None:
    """Then it is as if nothing had been."""
    assert unpacked(data, [FileStatus("m.ko", 10, 20)]) == {}
