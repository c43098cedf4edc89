"""The indexes of a whole Debian kernel, 4,000 modules with 27,000 aliases."""

from __future__ import annotations

import lzma
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from simkernel.kmod import depmod
from simkernel.kmod.index import Index
from simkernel.kmod.names import path_to_module_name
from simkernel.model.modules.spec import ModuleSpec

STOCK = Path(__file__).parents[3] / "data/debian-6.12.117-amd64"


def stock(name: str) -> str:
    """Return a file as Debian's depmod, or the kernel's build, wrote it."""
    return lzma.decompress((STOCK / f"{name}.xz").read_bytes()).decode()


def stock_specs() -> list[ModuleSpec]:
    """Return the modules of the kernel in link order, then the built-in ones."""
    aliases: dict[str, list[str]] = {}
    softdeps: dict[str, list[str]] = {}
    closures: dict[str, list[str]] = {}
    for line in stock("modules.alias").splitlines()[1:]:
        _, pattern, module = line.split(" ")
        aliases.setdefault(module, []).append(pattern)
    for line in stock("modules.softdep").splitlines()[1:]:
        _, module, text = line.split(" ", 2)
        softdeps.setdefault(module, []).append(text)
    paths: dict[str, str] = {}
    for line in stock("modules.dep").splitlines():
        path, _, rest = line.partition(":")
        name = path_to_module_name(path)
        paths[name] = path.removesuffix(".xz")
        closures[name] = [path_to_module_name(each) for each in rest.split()]
    loadable = [
        ModuleSpec(
            name=name,
            path=paths[name],
            aliases=tuple(aliases.get(name, ())),
            softdeps=tuple(softdeps.get(name, ())),
            depends=tuple(reversed(closures[name])),
        )
        for name in paths
    ]
    return loadable + [
        ModuleSpec(name=path_to_module_name(path), path=path, builtin=True)
        for path in stock("modules.builtin").splitlines()
    ]


@pytest.fixture(scope="module")
def tree() -> Mapping[str, bytes]:
    """Return our tree of the kernel."""
    return depmod.generate(stock_specs(), "6.12.117+deb12-amd64", compress=True)


@pytest.mark.parametrize("name", ["modules.alias", "modules.softdep"])
def test_text_is_what_debian_ships(tree: Mapping[str, bytes], name: str) -> None:
    """The same lines in the same order."""
    assert tree[name].decode() == stock(name)


def test_dependencies_are_those_that_debian_ships(tree: Mapping[str, bytes]) -> None:
    """The same modules and the same dependencies of each.

    Their order follows from symbol tables, which are not in the data.
    """
    ours = [sorted(line.split()) for line in tree["modules.dep"].decode().splitlines()]
    theirs = [sorted(line.split()) for line in stock("modules.dep").splitlines()]

    assert ours == theirs


@pytest.mark.real
@pytest.mark.skipif(
    shutil.which("modprobe") is None and not os.environ.get("SIMKERNEL_FORCE_KMOD"),
    reason="no modprobe: install the package kmod; SIMKERNEL_FORCE_KMOD=1 forces it",
)
def test_real_modprobe_resolves_the_same(
    tree: Mapping[str, bytes], tmp_path: Path
) -> None:
    """A device for every 40th alias, looked up in our index by both."""
    directory = tmp_path / "lib/modules/6.12"
    directory.mkdir(parents=True)
    for name in tree:
        if name.startswith("modules."):
            (directory / name).write_bytes(tree[name])
    patterns = [line.split(" ")[1] for line in stock("modules.alias").splitlines()[1:]]
    devices = [re.sub(r"\[!?(.).*?\]", r"\1", each) for each in patterns[::40]]
    devices = [each.replace("*", "0").replace("?", "1") for each in devices]
    command = ["modprobe", "-d", str(tmp_path), "-S", "6.12", "-C", "/nonexistent"]
    done = subprocess.run([*command, "-aR", *devices], capture_output=True, check=False)
    index = Index(tree["modules.alias.bin"])
    ours = [name for each in devices for name in index.search_wild(normalize(each))]

    assert len(devices) > 600
    assert "\n".join(ours) == done.stdout.decode().rstrip("\n")


def normalize(device: str) -> str:
    """Return the spelling that the index has."""
    return device.replace("-", "_")


@pytest.mark.parametrize(
    ("modalias", "modules"),
    [
        ("vfio_pci:v000015B3d0000101Esv000015B3sd00000058bc02sc00i00", ["vfio_pci"]),
        ("pci:v00008086d000010D3sv00008086sd0000A01Fbc02sc00i00", ["e1000e"]),
        ("pci:v0000144Dd0000A808sv0000144Dsd0000A801bc01sc08i02", ["nvme"]),
        ("acpi:PNP0C14:PNP0C02:", ["wmi"]),
        ("nosuch:v1", []),
    ],
)
def test_alias_index_finds_drivers(
    tree: Mapping[str, bytes], modalias: str, modules: list[str]
) -> None:
    """Devices of everyday life find their modules."""
    assert Index(tree["modules.alias.bin"]).search_wild(modalias) == modules


def test_index_holds_every_alias(tree: Mapping[str, bytes]) -> None:
    """No line of modules.alias is lost on the way."""
    lines = stock("modules.alias").splitlines()[1:]

    assert len(list(Index(tree["modules.alias.bin"]).dump())) == len(lines)
