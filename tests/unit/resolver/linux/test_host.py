"""The one module that touches the host."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from resolver.errors import BlockedError, FailedError, RefusedError, UsageError
from resolver.linux import Host


def test_running_host_has_the_usual_roots() -> None:
    """And --root / means it."""
    assert vars(Host.below("/")) == vars(Host())
    assert Host().release() == os.uname().release


def test_missing_root_is_a_usage_error(tmp_path: Path) -> None:
    """The directory is named."""
    with pytest.raises(UsageError, match="nosuch: no such directory"):
        Host.below(str(tmp_path / "nosuch"))


def test_captured_host_has_the_release_of_its_only_kernel(captured: Any) -> None:
    """Not that of the running one."""
    assert captured.host.release() == "6.12.117-amd64"


def test_captured_host_with_several_kernels_asks_which(captured: Any) -> None:
    """The error names them and the option."""
    (captured.root / "lib/modules/6.1.0").mkdir()
    with pytest.raises(UsageError, match=r"6\.1\.0, 6\.12\.117-amd64") as caught:
        captured.host.release()
    assert "--kernel" in caught.value.hint


def test_captured_host_without_kernel_has_no_release(captured: Any) -> None:
    """That is no error: explain says it."""
    captured.modules.rmdir()
    assert captured.host.release() is None


def test_captured_host_is_never_written(captured: Any) -> None:
    """Not even a file that is there."""
    file = captured.write("sys/file", "old\n")
    for change in (
        lambda: captured.host.write(str(file), "new"),
        lambda: captured.host.remove_file(str(file)),
        lambda: captured.host.replace_file(str(file), b"new"),
        lambda: captured.host.modprobe("vfio_pci"),
    ):
        with pytest.raises(RefusedError, match="cannot change a captured host"):
            change()
    assert file.read_text() == "old\n"


@pytest.mark.real
def test_writing_never_makes_a_file(captured: Any) -> None:
    """A wrong name is ENOENT."""
    path = captured.root / "sys/bus/pci/nosuch"
    with pytest.raises(FileNotFoundError):
        captured.live_host.write(str(path), "x")
    assert not path.exists()


@pytest.mark.real
@pytest.mark.parametrize("text", ["a", "a b ", "\udcff\udc80", "a\r"])
def test_attribute_text_survives_reading_and_writing(captured: Any, text: str) -> None:
    """Bytes that are no UTF-8, blanks and carriage returns included."""
    file = captured.write("sys/file", b"")
    captured.live_host.write(str(file), f"{text}\n")
    assert captured.live_host.attribute(str(file)) == text


def test_missing_things_read_as_nothing(captured: Any) -> None:
    """A device can go away at any time."""
    host, root = captured.host, str(captured.root)
    assert host.attribute(f"{root}/nosuch") is None
    assert host.read_if_there(f"{root}/nosuch/below") is None
    assert host.names(f"{root}/nosuch") == []
    assert host.link_name(f"{root}/nosuch") is None


def test_replaced_file_is_whole_or_untouched(
    captured: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the name cannot be changed, the old file stays and nothing else."""
    file = captured.write("run/resolver/x.json", "old")

    def refuse(old: str, new: str) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(OSError, match="Input/output"):
        captured.live_host.replace_file(str(file), b"new")
    assert [(p.name, p.read_text()) for p in file.parent.iterdir()] == [
        ("x.json", "old")
    ]


def program(directory: Path, text: str) -> None:
    """Put a modprobe on PATH."""
    file = directory / "modprobe"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


@pytest.mark.real
def test_modprobe_gets_a_name_that_is_no_option(
    captured: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is found on PATH; what it says on stderr comes back."""
    program(tmp_path, 'echo "$@" >&2; exit 3')
    monkeypatch.setenv("PATH", str(tmp_path))
    assert captured.live_host.modprobe("-f") == (3, "-b -- -f")


@pytest.mark.real
def test_modprobe_that_ends_late_leaves_no_descriptor(
    captured: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run closes what it was read through."""
    program(tmp_path, 'if [ "$3" = slow ]; then exec /bin/sleep 0.2; fi')
    monkeypatch.setenv("PATH", str(tmp_path))
    host = captured.live_host
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(BlockedError) as blocked:
        host.modprobe("slow", timeout_s=0.01)
    while Path(f"/proc/{blocked.value.pid}/cmdline").read_bytes():
        time.sleep(0.01)  # An ended process has no command line.
    assert host.modprobe("quick") == (0, "")
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.real
def test_host_without_modprobe_is_a_clear_error(
    captured: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hint says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FailedError, match="modprobe is not on PATH") as caught:
        captured.live_host.modprobe("vfio_pci")
    assert "kmod" in caught.value.hint


def test_waiting_ends(captured: Any) -> None:
    """With the condition, or with the time."""
    answers = iter([False, False, True])
    assert captured.host.wait(lambda: next(answers), 5)
    assert not captured.host.wait(lambda: False, 0.02)
