"""Simulated tools, as scripts start them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from simkernel.fronts.fakefs.host import simulated
from tests.bench import host_of

MODULES = "/lib/modules/6.12.117-amd64"


@pytest.fixture(autouse=True)
def _visit_host() -> Iterator[None]:
    with simulated(host_of("mlx5_vfio_pci")):
        Path("/run/text").write_text("one\nTwo\nthree (3)\n")
        yield


def output(*argv: str) -> tuple[int, str, str]:
    """Run a program and return its exit code and output."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["cat", "/run/text"], "one\nTwo\nthree (3)\n"),
        (["head", "-1", "/run/text"], "one\n"),
        (["head", "-n", "2", "/run/text"], "one\nTwo\n"),
        (["grep", "-n", "two", "-i", "/run/text"], "2:Two\n"),
        (["grep", "-c", ".", "/run/text"], "3\n"),
        (["grep", "-v", "o", "/run/text"], "three (3)\n"),
        (["grep", "-E", "^(T|o)n?", "/run/text"], "one\nTwo\n"),
        (["grep", "(3)", "/run/text"], "three (3)\n"),
        (["grep", r"\(3\|ee\) ", "/run/text"], "three (3)\n"),
        (["grep", "-F", "(3", "/run/text"], "three (3)\n"),
        (["grep", "-q", "one", "/run/text"], ""),
        (["grep", "one", "/run/text", "/proc/cmdline"], "/run/text:one\n"),
        (["uname", "-r"], "6.12.117-amd64\n"),
        (["uname", "-a"], "Linux simulated 6.12.117-amd64 #1 SMP x86_64 GNU/Linux\n"),
        (["sh", "-c", "cat /run/text | grep -v 'T' | head -1; uname"], "one\nLinux\n"),
        (["bash", "-c", 'tr "\\n" "\\0" < /run/text;'], "one\0Two\0three (3)\0"),
    ],
)
def test_program_prints_what_the_real_one_prints(
    argv: list[str], expected: str
) -> None:
    """With the options and pipes that scripts use."""
    assert output(*argv) == (0, expected, "")


@pytest.mark.parametrize(
    ("argv", "status", "error"),
    [
        (["grep", "x", "/run/text"], 1, ""),
        (["cat", "/run/no"], 1, "cat: /run/no: No such file or directory\n"),
        (["rm", "/r"], 1, "rm: cannot remove '/r': No such file or directory\n"),
        (["rm", "-f", "/run/no"], 0, ""),
        (["umount", "/run"], 32, "umount: /run: not mounted.\n"),
        (["mount", "-ttmpfs", "", "/n"], 32, "mount: /n: No such file or directory\n"),
        (
            ["mount", "--bind", "/", "/sys"],
            32,
            "mount: /sys: Operation not permitted\n",
        ),
        (["rm", "/sys/bus"], 1, "rm: cannot remove '/sys/bus': Is a directory\n"),
    ],
)
def test_program_fails_as_the_real_one_fails(
    argv: list[str], status: int, error: str
) -> None:
    """With the same exit code and the same text on standard error."""
    assert output(*argv) == (status, "", error)


@pytest.mark.parametrize(
    "argv",
    [
        ["cat"],
        ["cat", "-A", "/run/text"],
        ["grep"],
        ["grep", "[[:alpha:]]", "/run/text"],
        ["tr", "a-z", "A-Z"],
        ["head", "/run/text", "/run/text"],
        ["cp", "/run/text"],
        ["cp", "/run", "/tmp/x"],
        ["cp", "-a", "/sys/bus/pci", "/tmp/x"],
        ["mount"],
        ["mount", "-t", "sysfs", "x", "/run"],
        ["umount"],
        ["uname", "x"],
        ["sh", "-x", "cat /run/text"],
        ["sh", "-c", "cat $HOME"],
        ["sh", "-c", "cat /run/text > /run/other"],
        ["sh", "-c", "cat /run/text |"],
        ["sh", "-c", "cat <"],
        ["sh", "-c", "cat < | cat"],
        ["sh", "-c", "cat /run/text | sed s/a/b/"],
        ["/opt/cat", "/run/text"],
        [],
    ],
)
def test_what_a_program_cannot_do_is_refused(argv: list[str]) -> None:
    """No answer that would be nearly right."""
    os.makedirs("/tmp", exist_ok=True)

    with pytest.raises(PermissionError, match="runs only Python"):
        subprocess.run(argv, check=False)


def test_tree_is_copied_and_removed() -> None:
    """``cp -a`` and ``rm -r``; a directory as target takes a file into it."""
    subprocess.run(["cp", "-a", MODULES, "/run/copy"], check=True)
    subprocess.run(["cp", "/run/text", "/run/copy"], check=True)

    assert sorted([*os.listdir(MODULES), "text"]) == sorted(os.listdir("/run/copy"))
    assert Path("/run/copy/text").read_text() == "one\nTwo\nthree (3)\n"

    subprocess.run(["rm", "-r", "/run/copy"], check=True)

    assert not os.path.exists("/run/copy")


def test_mount_covers_a_folder_until_it_is_unmounted() -> None:
    """modprobe reads another module folder, then none, then its own again."""
    subprocess.run(["cp", "-a", MODULES, "/run/copy"], check=True)
    subprocess.run(["mount", "--bind", "/run/copy", MODULES], check=True)
    os.unlink(f"{MODULES}/modules.dep")
    subprocess.run(["mount", "-t", "tmpfs", "none", MODULES], check=True)

    assert os.listdir(MODULES) == []
    assert output("modprobe", "mlx5_vfio_pci")[0] == 1

    subprocess.run(["umount", MODULES], check=True)

    assert not os.path.exists(f"{MODULES}/modules.dep")

    subprocess.run(["umount", MODULES], check=True)

    assert os.path.exists(f"{MODULES}/modules.dep")
    assert output("modprobe", "mlx5_vfio_pci") == (0, "", "")


def test_depmod_writes_what_modprobe_reads() -> None:
    """A removed module is not found, and found again when it is back."""
    file = f"{MODULES}/kernel/drivers/vfio/vfio.ko"
    subprocess.run(["cp", file, "/run"], check=True)
    subprocess.run(["rm", file], check=True)
    subprocess.run(["depmod"], check=True)

    assert output("modprobe", "vfio")[0] == 1

    subprocess.run(["cp", "/run/vfio.ko", file], check=True)
    subprocess.run(["depmod"], check=True)

    assert output("modprobe", "vfio") == (0, "", "")


def test_program_reads_as_its_user() -> None:
    """Another user cannot read a file of root."""
    os.chmod("/run/text", 0o600)
    done = subprocess.run(
        ["cat", "/run/text"], user=65534, capture_output=True, check=False
    )

    assert done.stderr == b"cat: /run/text: Permission denied\n"
    assert output("cat", "/run/text")[0] == 0


def test_mount_needs_root() -> None:
    """Another user can neither mount nor unmount."""
    for argv in (["mount", "-t", "tmpfs", "x", "/run"], ["umount", "/run"]):
        with pytest.raises(PermissionError):
            subprocess.run(argv, user=65534, check=False)
