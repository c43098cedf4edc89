"""What keeps a module from being loaded, on captured hosts and on live ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from resolver.inspect.module_loading import find_prohibition, parameter_of
from resolver.linux import Host
from simkernel.kmod import depmod
from tests.modprobe_lines import COMMAND_LINES, LINES, MODULES

RELEASE = "6.6.6-zz"
TREE = depmod.generate(MODULES, RELEASE)


def captured(root: Path, files: dict[str, str]) -> Host:
    """Return a captured host with all modules and some files."""
    lists = {
        f"lib/modules/{RELEASE}/{name}": data
        for name, data in TREE.items()
        if name.startswith("modules.")
    }
    for name, data in {**lists, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return Host.below(str(root))


def verdict(host: Host, module: str) -> str:
    """Return the verdict about a module in the words of the table."""
    found = find_prohibition(host, module)
    if found is None:
        return "loads"
    place = found.where.rpartition(" line ")[2]
    return f"{'no' if found.is_certain else 'runs'} {place}"


@pytest.mark.parametrize(("text", "module", "expected"), LINES)
def test_lines_of_people(text: str, module: str, expected: str, tmp_path: Path) -> None:
    """Each line has the effect of the table."""
    host = captured(tmp_path, {"etc/modprobe.d/a.conf": text})
    assert verdict(host, module) == expected


@pytest.mark.parametrize(("text", "module", "expected"), COMMAND_LINES)
def test_kernel_command_lines(
    text: str, module: str, expected: str, tmp_path: Path
) -> None:
    """modprobe reads some words of the kernel command line."""
    host = captured(tmp_path, {"proc/cmdline": f"{text}\n"})
    assert verdict(host, module).replace(" the kernel command line", "") == expected


@pytest.mark.parametrize("name", ["vfio_pci", "vfio_pci_core"])
def test_the_kernel_refuses_modules_of_its_own_list(name: str, tmp_path: Path) -> None:
    """Also those that the module needs."""
    host = captured(tmp_path, {"proc/cmdline": f"module_blacklist={name}"})
    found = find_prohibition(host, "vfio_pci")
    assert found is not None
    assert (found.module, found.where) == (name, "the kernel command line")


def test_files_with_other_names_do_not_count(tmp_path: Path) -> None:
    """Neither do directories; a link to nothing hides a file of its name."""
    line = "blacklist vfio_pci\n"
    host = captured(
        tmp_path,
        {
            "etc/modprobe.d/.x.conf": line,
            "etc/modprobe.d/x.conf~": line,
            "etc/modprobe.d/y.conf/z.conf": line,
            "lib/modprobe.d/masked.conf": line,
        },
    )
    (tmp_path / "etc/modprobe.d/masked.conf").symlink_to("/dev/null")
    assert find_prohibition(host, "vfio_pci") is None


def test_a_file_that_cannot_be_read_is_skipped(tmp_path: Path) -> None:
    """modprobe goes on with the next one, and so does an ordinary user's command."""
    host = captured(tmp_path, {"etc/modprobe.d/b.conf": "blacklist vfio_pci\n"})
    (tmp_path / "etc/modprobe.d/a.conf").symlink_to("a.conf")
    assert verdict(host, "vfio_pci") == "no 1"


def test_alias_files_count(tmp_path: Path) -> None:
    """They have the same grammar as ``*.conf``."""
    host = captured(tmp_path, {"etc/modprobe.d/x.alias": "blacklist vfio_pci\n"})
    assert verdict(host, "vfio_pci") == "no 1"


def test_a_host_without_lists_is_judged_by_its_lines(tmp_path: Path) -> None:
    """The module is assumed to be there, and soft dependencies to be built in."""
    path = tmp_path / "etc/modprobe.d/x.conf"
    path.parent.mkdir(parents=True)
    host = Host.below(str(tmp_path))
    path.write_text("install vfio_pci /bin/false\n")
    assert verdict(host, "vfio_pci") == "no 1"
    path.write_text("install vfio_pci /bin/false\nsoftdep vfio_pci pre: irqbypass\n")
    assert verdict(Host.below(str(tmp_path)), "vfio_pci") == "loads"


CORE = "insmod /lib/modules/x/kernel/vfio-pci-core.ko.xz "


class Live:
    """A live host whose ``modprobe`` is a script that prints fixed lines."""

    def __init__(self, root: Path) -> None:
        self.root = root
        captured(root, {"bin/modprobe": "", "etc/modprobe.d/a.conf": "", "proc/x": ""})
        self.log = root / "calls"

    def host(self, lines: str, *, said: str, exit_code: int = 0) -> Host:
        """Return the host with lines of modprobe.d and an answer of modprobe."""
        root = self.root
        (root / "etc/modprobe.d/a.conf").write_text(lines)
        (root / "said").write_text(said)
        script = root / "bin/modprobe"
        script.write_text(
            f'#!/bin/sh\necho "$@" >>{self.log}\ncat {root}/said\nexit {exit_code}\n'
        )
        script.chmod(0o755)
        return Host(
            sys=f"{root}/sys",
            proc=f"{root}/proc",
            modules=(f"{root}/lib/modules",),
            etc=f"{root}/etc",
            run=f"{root}/run",
            modprobe_d=(),
        )


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Live:
    """Return a live host whose programs are in its own directory."""
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    return Live(tmp_path)


@pytest.mark.real
class TestLiveHost:
    """modprobe decides; resolver's own reading names the line."""

    def test_modprobe_loads_what_the_reading_refuses(self, live: Live) -> None:
        """The program is right."""
        said = f"{CORE}\ninsmod /lib/modules/x/kernel/vfio-pci.ko.xz ids=1:2\n"
        host = live.host("blacklist vfio_pci\n", said=said)
        assert find_prohibition(host, "vfio_pci") is None

    @pytest.mark.parametrize("said", ["", f"{CORE}\n"])
    def test_modprobe_does_not_load_it(self, live: Live, said: str) -> None:
        """The message says that no line explains it."""
        found = find_prohibition(live.host("", said=said), "vfio_pci")
        assert found is not None
        assert found.keyword == "modprobe"
        assert found.is_certain
        assert "reads its configuration differently" in found.where

    def test_the_line_of_a_command_is_found(self, live: Live) -> None:
        """Also where the reading takes other steps."""
        host = live.host(
            "softdep vfio_pci pre: irqbypass\ninstall vfio-pci /bin/x $CMDLINE_OPTS\n",
            said="install /bin/x $CMDLINE_OPTS ids=1:2\n",
        )
        found = find_prohibition(host, "vfio_pci")
        assert found is not None
        assert not found.is_certain
        assert found.where.endswith("/etc/modprobe.d/a.conf line 2")

    @pytest.mark.parametrize(
        ("said", "exit_code"), [("", 1), ("Usage: modprobe [-a] NAME\n", 0)]
    )
    def test_without_an_answer_the_reading_counts(
        self, live: Live, said: str, exit_code: int
    ) -> None:
        """As with a modprobe that cannot make a dry run."""
        host = live.host("blacklist vfio_pci\n", said=said, exit_code=exit_code)
        found = find_prohibition(host, "vfio_pci")
        assert found is not None
        assert found.text == "blacklist vfio_pci"

    def test_modprobe_is_asked_once_for_each_module(self, live: Live) -> None:
        """A command over many devices starts few programs."""
        host = live.host("", said="")
        for module in ("vfio_pci", "nouveau", "vfio_pci", "nouveau"):
            find_prohibition(host, module)
        calls = live.log.read_text().splitlines()
        assert calls == ["-nvb -- vfio_pci", "-nvb -- nouveau"]


def test_parameters_come_from_lines_and_command_line(tmp_path: Path) -> None:
    """The command line wins."""
    host = captured(
        tmp_path,
        {
            "etc/modprobe.d/a.conf": "options vfio enable_unsafe_noiommu_mode=0\n",
            "proc/cmdline": "vfio.enable_unsafe_noiommu_mode=1\n",
        },
    )
    assert parameter_of(host, "vfio", "enable_unsafe_noiommu_mode") == "Y"
