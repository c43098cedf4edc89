"""Names and files with any bytes in them lead nowhere but into the host's own roots.

An audit hook sees every file that is opened, made, listed or removed, and every
program that is started, whatever the names of devices, drivers, modules and interfaces
are, and whatever the files of aliases, of modprobe, of the kernel and of the journal
hold.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from resolver.changes import journal, restore
from resolver.cli import run
from resolver.errors import ResolverError
from resolver.inspect.devices import read_device
from resolver.linux import Host
from resolver.linux.helper import write_once
from resolver.options import Options
from tests.unit.resolver.conftest import CapturedHost

VF = "0000:3b:00.2"
OUTSIDE = "secret"
"""Name of a file beside the host's root."""
_FILES = frozenset(
    ("open", "os.chmod", "os.chown", "os.link", "os.listdir", "os.mkdir", "os.remove")
) | {"os.rename", "os.rmdir", "os.scandir", "os.symlink", "os.truncate"}
_PROCESSES = frozenset(
    ("os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system")
) | {"subprocess.Popen", "pty.spawn"}


class _Watch:
    """What an audit hook sees while it is on."""

    def __init__(self) -> None:
        self.root = ""
        self.strayed: list[str] = []
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.root:
            return
        if event in _PROCESSES:
            self.strayed.append(f"{event}{arguments!r}")
        elif event in _FILES and isinstance(arguments[0], str | bytes):
            root, self.root = self.root, ""
            path = os.path.realpath(os.fsdecode(arguments[0]))
            self.root = root
            if not f"{path}/".startswith(f"{root}/") and not _is_code(path):
                self.strayed.append(f"{event} {path}")


def _is_code(path: str) -> bool:
    is_cached = "__pycache__" in path.split("/")
    return is_cached or path.endswith((".py", ".pyc")) or path in sys.path


_watch = _Watch()


@contextmanager
def watched(root: Path) -> Iterator[None]:
    """Fail if anything outside a directory is touched while the block runs."""
    _watch.strayed, _watch.root = [], os.path.realpath(root)
    try:
        yield
    finally:
        _watch.root = ""
    assert _watch.strayed == []


@contextmanager
def captured_host() -> Iterator[CapturedHost]:
    """Make a host with a device, its drivers, and something beside it."""
    place = Path(tempfile.mkdtemp(prefix="hostile"))
    try:
        (place / OUTSIDE).write_text("not yours\n")
        host = CapturedHost(place / "root")
        host.driver("mlx5_core", module="mlx5_core")
        host.device(driver="mlx5_core", interface="ens1")
        yield host
        assert (place / OUTSIDE).read_text() == "not yours\n"
        assert sorted(os.listdir(place)) == ["root", OUTSIDE]
    finally:
        shutil.rmtree(place)


def test_watch_sees_what_strays() -> None:
    """Else nothing here could fail."""
    with captured_host() as host:
        for path in ("/", f"{host.root}/.."):
            with pytest.raises(AssertionError), watched(host.root):
                os.listdir(path)


STEPS = ["..", ".", "/", "secret", "-f", "$(id)", ";id", "\n", "\0", "a", " ", "%s"]
texts = st.one_of(
    st.lists(st.sampled_from([*STEPS, "../../../../secret"])).map("".join),
    st.text(max_size=40),
)
raw = st.one_of(
    st.binary(max_size=200), texts.map(lambda t: t.encode(errors="replace"))
)
alias_lines = st.builds(
    lambda alias, module: b"alias vfio_pci:%s %s\n" % (alias, module),
    st.sampled_from([b"v*d*sv*sd*bc*sc*i*", b"v000015B3d*", b"*"]),
    raw,
)
RELEASE = "lib/modules/6.12.117-amd64"
FILES = (
    f"{RELEASE}/modules.alias",
    f"{RELEASE}/modules.builtin",
    f"{RELEASE}/modules.builtin.modinfo",
    "etc/modprobe.d/x.conf",
    "proc/cmdline",
    "proc/cpuinfo",
    "proc/swaps",
    "proc/self/mountinfo",
    "proc/net/route",
    "proc/net/if_inet6",
    "proc/net/ipv6_route",
    f"run/resolver/{VF}.json",
    f"sys/devices/pci0000:00/{VF}/modalias",
    f"sys/devices/pci0000:00/{VF}/driver_override",
    f"sys/devices/pci0000:00/{VF}/vendor",
    f"sys/devices/pci0000:00/{VF}/class",
    f"sys/devices/pci0000:00/{VF}/sriov_numvfs",
    f"sys/devices/pci0000:00/{VF}/net/ens1/flags",
    f"sys/devices/pci0000:00/{VF}/net/ens1/uevent",
)
COMMANDS = (
    ["devices"],
    ["explain", VF],
    ["bind", "--dry-run", VF],
    ["unbind", "--dry-run", VF],
    ["restore", "--dry-run", "--all"],
    ["status"],
)
hostile = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@hostile
@given(
    path=st.sampled_from(FILES),
    data=st.one_of(raw, st.lists(alias_lines).map(b"".join)),
)
@example(FILES[0], b"alias vfio_pci:* ../../../../../secret\n")
@example(FILES[2], b"../../secret.alias=vfio_pci:*\0")
@example(FILES[-1], b"DEVNAME=../../../../secret\n")
def test_files_with_any_content_lead_nowhere(path: str, data: bytes) -> None:
    """Every command that reads them stays below the root, without a traceback."""
    with captured_host() as host:
        host.write(path, data)
        for command in COMMANDS:
            with watched(host.root):
                assert run(["--root", str(host.root), *command]) in range(6)


@hostile
@given(words=st.lists(texts, min_size=1, max_size=3), driver=texts)
@example(["../../secret"], "../../secret")
@example(["class:../.."], "vfio-pci")
def test_words_of_any_kind_lead_nowhere(words: list[str], driver: str) -> None:
    """What a user or a script calls a device or a driver."""
    with captured_host() as host:
        for command in (
            ["bind", "--dry-run", f"--driver={driver}", "--", *words],
            ["explain", "--", *words],
        ):
            with watched(host.root):
                assert run(["--root", str(host.root), *command]) in range(6)


names = texts.map(
    lambda text: text.replace("/", "").replace("\0", "").encode()[:200]
).filter(lambda name: name not in (b"", b".", b".."))


@hostile
@given(interface=names, driver=names, module=names)
def test_names_of_any_kind_lead_nowhere(
    interface: bytes, driver: bytes, module: bytes
) -> None:
    """What the kernel calls interfaces, drivers and modules: any name of a file."""
    with captured_host() as host:
        root = os.fsencode(host.root)
        device = root + f"/sys/devices/pci0000:00/{VF}".encode()
        os.makedirs(device + b"/net/" + interface, exist_ok=True)
        os.makedirs(root + b"/sys/bus/pci/drivers/" + driver, exist_ok=True)
        os.makedirs(root + b"/sys/module/" + module, exist_ok=True)
        os.unlink(device + b"/driver")
        os.symlink(b"../../../bus/pci/drivers/" + driver, device + b"/driver")
        for command in COMMANDS:
            with watched(host.root):
                assert run(["--root", str(host.root), *command]) in range(6)


@pytest.mark.parametrize("target", [f"../../../../../{OUTSIDE}", "/etc/passwd", "/"])
@pytest.mark.parametrize(
    "place",
    [
        f"sys/devices/pci0000:00/{VF}/modalias",
        f"sys/devices/pci0000:00/{VF}/driver_override",
        f"{RELEASE}/modules.alias",
        "etc/modprobe.d/x.conf",
        f"run/resolver/{VF}.json",
    ],
)
def test_links_of_a_captured_host_lead_nowhere(place: str, target: str) -> None:
    """Who made the capture may have put any link into it."""
    with captured_host() as host:
        path = host.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(target)
        for command in COMMANDS:
            with watched(host.root):
                assert run(["--root", str(host.root), *command]) in range(6)


@hostile
@given(
    data=st.one_of(
        raw,
        st.fixed_dictionaries(
            {
                "schema": st.just(journal.SCHEMA),
                "device": st.one_of(st.just(VF), texts),
                "bus": st.one_of(st.just("pci"), texts),
                "vendor_device": st.just("15b3:101e"),
                "driver": st.one_of(st.none(), texts, st.just("mlx5_core")),
                "module": st.one_of(st.none(), texts),
                "override": st.one_of(st.none(), texts),
                "wanted": st.one_of(st.none(), texts),
                "boot_id": st.none(),
            }
        ).map(lambda record: json.dumps(record).encode()),
    )
)
def test_records_of_any_kind_change_nothing_elsewhere(data: bytes) -> None:
    """Restoring for good writes to the device's own files only, or to none.

    No program is started either: what would load a module is refused before.
    """
    with captured_host() as captured:
        captured.write(f"run/resolver/{VF}.json", data)
        captured.write("sys/bus/pci/drivers/mlx5_core/unbind", "")
        captured.write("sys/bus/pci/drivers/mlx5_core/bind", "")
        host = NoPrograms(captured)
        with watched(captured.root):
            device = read_device(host, "pci", VF)
            with suppress(ResolverError, OSError):
                restore.restore(host, device, Options(is_forced=True))


class NoPrograms(Host):
    """The tree as the running host, where writes are made by this process."""

    def __init__(self, captured: CapturedHost) -> None:
        super().__init__(**vars_of(captured))

    def slow_attribute(self, path: str, timeout_s: float = 5.0) -> str | None:
        """Read without another process."""
        return self.attribute(path)

    def write(self, path: str, text: str, *, timeout_s: float = 1.0) -> None:
        """Write without another process."""
        write_once(path, text.encode("utf-8", "surrogateescape"))

    def wait(self, is_done: Any, timeout_s: float) -> bool:
        """Ask once: nothing changes by itself."""
        return bool(is_done())

    def modprobe(self, module: str, timeout_s: float = 1.0) -> tuple[int, str]:
        """Load nothing; the name is one that may be given to a program."""
        assert "/" not in module
        assert not module.startswith("-")
        assert "\0" not in module
        return 1, "there is no modprobe here"

    def openers(self, node: str) -> list[tuple[int, str]]:
        """Nobody has anything open."""
        return []


def vars_of(captured: CapturedHost) -> dict[str, Any]:
    """Return the roots of a tree that is taken for the running host."""
    root = str(captured.root)
    return {
        "sys": f"{root}/sys",
        "proc": f"{root}/proc",
        "modules": (f"{root}/lib/modules",),
        "etc": f"{root}/etc",
        "run": f"{root}/run",
        "dev": f"{root}/dev",
        "modprobe_d": (f"{root}/lib/modprobe.d",),
    }
