"""Folders to which a program on a simulated host writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from simkernel.fronts.folders import kept_folders


@pytest.mark.parametrize(
    "folder", ["/", "/etc", "/usr", "/usr/sbin", "/lib", "/run/resolver", "/sys/bus"]
)
def test_folders_of_the_simulated_host_are_not_kept(
    folder: str,
) -> None:
    """The simulated modprobe must not replace the real one."""
    assert [Path("/home/me")] == kept_folders([Path(folder), Path("/home/me")])
