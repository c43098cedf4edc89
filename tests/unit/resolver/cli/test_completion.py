"""What Tab offers."""

from __future__ import annotations

from typing import Any

import pytest

from resolver.cli import run


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("bind 0000:3b:00", ["0000:3b:00.2", "0000:3b:00.3"]),
        ("explain 0000:3b:00.3", ["0000:3b:00.3"]),
        ("unbind ens", ["ens1v0"]),
        ("restore pci_0000_3b_00_2", ["pci_0000_3b_00_2"]),
        ("bind --driver ", ["vfio-pci", "mlx5_core"]),
        ("bind --driver m", ["mlx5_core"]),
    ],
)
def test_devices_and_drivers_of_the_host_are_offered(
    captured: Any,
    words: str,
    offered: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of the host that --root names; VFIO drivers come first."""
    captured.driver("mlx5_core")
    captured.driver("vfio-pci")
    captured.device("0000:3b:00.2", interface="ens1v0")
    captured.device("0000:3b:00.3")
    line = f"resolver --root {captured.root} {words}"
    monkeypatch.setenv("_RESOLVER_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(line.count(" ")))
    with pytest.raises(SystemExit):
        run([])
    out = capsys.readouterr().out
    assert [line.partition(",")[2] for line in out.splitlines()] == offered
