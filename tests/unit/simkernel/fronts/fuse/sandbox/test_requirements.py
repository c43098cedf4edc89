"""Hints for machines that do not support the fuse tier."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from simkernel.fronts.fuse import inside
from simkernel.fronts.fuse.sandbox.requirements import failure


@pytest.fixture(scope="module")
def source() -> str:
    """Return the source of the process inside the namespaces."""
    (folder,) = inside.__path__
    return "".join(path.read_text() for path in sorted(Path(folder).glob("*.py")))


@pytest.mark.parametrize(
    ("step", "number", "hint"),
    [
        ("create a user namespace", errno.EPERM, "unprivileged_userns_clone=1"),
        ("create mount and PID namespaces", errno.ENOSPC, "max_user_namespaces"),
        ("make mounts private", errno.EPERM, "--privileged"),
        ("open /dev/fuse", errno.ENOENT, "run modprobe fuse"),
        ("mount a FUSE file system", errno.EPERM, "Linux 4.18"),
        ("mount /proc", errno.EPERM, "systempaths=unconfined"),
        ("trap system calls", errno.EINVAL, "CONFIG_SECCOMP_FILTER"),
    ],
)
def test_each_known_failure_has_its_hint(
    step: str, number: int, hint: str, source: str
) -> None:
    """The name of each step is the one that is reported from inside."""
    assert f'step("{step}")' in source
    assert f"cannot {step}: " in str(failure(step, number))
    assert hint in failure(step, number).hint


def test_other_failures_suggest_another_tier() -> None:
    """For a step, or for an errno, without a hint of its own."""
    expected = "use --via vm or --via fakefs"

    assert expected == failure("prepare /dev/vfio", errno.EIO).hint
    assert expected == failure("open /dev/fuse", errno.EIO).hint
