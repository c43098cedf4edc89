"""The command on captured hosts: what it prints, and its exit codes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from resolver.changes.many import DEFAULT_JOBS
from resolver.cli import cli, run
from resolver.options import Options

VF = "0000:3b:00.2"
MODALIAS = "pci:v000015B3d0000101Esv000015B3sd00000003bc02sc00i00"
GENERIC = "vfio_pci:v*d*sv*sd*bc*sc*i*"
VARIANT = "vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i*"


@pytest.fixture
def root(captured: Any) -> str:
    """A captured host with a virtual function and its variant."""
    captured.aliases(f"{GENERIC} vfio_pci", f"{VARIANT} mlx5_vfio_pci")
    captured.driver("mlx5_core", module="mlx5_core")
    captured.device(driver="mlx5_core", interface="ens1v0")
    return str(captured.root)


def stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """Give the command something to read."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_devices_prints_a_line_for_each(
    root: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Columns are aligned, and nothing is on stderr."""
    assert run(["--root", root, "devices"]) == 0
    assert capsys.readouterr() == (
        "DEVICE        ID         DRIVER     BEST           MIGRATION   GROUP  "
        "INTERFACES\n"
        "0000:3b:00.2  15b3:101e  mlx5_core  mlx5_vfio_pci  after bind  40     "
        "ens1v0\n",
        "",
    )


@pytest.mark.parametrize(
    ("kind", "count"), [("net", 1), ("0x0200", 1), ("02", 1), ("storage", 0)]
)
def test_devices_of_a_class(
    root: str, kind: str, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """By name or by the first digits."""
    assert run(["devices", "--root", root, "--json", "--class", kind]) == 0
    assert len(json.loads(capsys.readouterr().out)["devices"]) == count


def test_unknown_class_is_a_usage_error(
    root: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The hint has the closest name, or all of the few names."""
    assert run(["devices", "--root", root, "--class", "nets"]) == 2
    assert capsys.readouterr().err.endswith("hint: did you mean net?\n")
    assert run(["devices", "--root", root, "--class", "xxx"]) == 2
    assert "accelerator" in capsys.readouterr().err


def test_explain_says_why(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Both candidates, their ranks and lines, and what became of them."""
    assert run(["--root", root, "explain", "ens1v0"]) == 0
    out = capsys.readouterr().out
    assert "0000:3b:00.2 (15b3:101e): mlx5_core -> (the driver of mlx5_vfio_pci)" in out
    assert f"{VARIANT} (modules.alias)" in out
    assert "5  mlx5_vfio_pci  modules.alias line 2" in out
    assert "7 wildcards; the chosen one has 5" in out


def test_explain_shows_what_was_wrong_with_alias_lines(
    root: str, captured: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """File, line and what was done, for lines that were used or not."""
    path = captured.modules / "modules.alias"
    path.write_bytes(f"alias\t{VARIANT}\tmlx5_vfio_pci\r\nalias {VARIANT}\n".encode())
    assert run(["--root", root, "explain", VF]) == 0
    out = capsys.readouterr().out
    assert f"warning: {path} line 1: ends in CR LF; trimmed" in out
    assert f"warning: {path} line 2: truncated: no module name; skipped" in out


def test_explain_of_a_modalias_needs_no_device(
    root: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The text stands for a device that is not there."""
    assert run(["--root", root, "explain", "--json", MODALIAS]) == 0
    device = json.loads(capsys.readouterr().out)["devices"][0]
    assert (device["device"], device["module"]) == (MODALIAS, "mlx5_vfio_pci")


def test_explain_of_a_prohibited_module_names_the_line(
    root: str, captured: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anybody tries to bind."""
    file = captured.write("etc/modprobe.d/x.conf", "blacklist mlx5-vfio-pci\n")
    assert run(["--root", root, "explain", VF]) == 0
    assert f"prohibited by {file} line 1" in capsys.readouterr().out


def test_dry_run_prints_the_steps_and_changes_nothing(
    root: str, captured: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """It works on a captured host, too."""
    captured.driver("mlx5_vfio_pci", module="mlx5_vfio_pci")
    before = sorted(captured.root.rglob("*"))
    assert run(["--root", root, "bind", "--dry-run", VF]) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "0000:3b:00.2 (15b3:101e): mlx5_core -> mlx5_vfio_pci (dry run)\n"
    )
    assert f"2. write mlx5_vfio_pci to {root}/sys/bus/pci/devices/{VF}/driver_ov" in out
    assert sorted(captured.root.rglob("*")) == before


@pytest.mark.parametrize("command", ["bind", "unbind", "restore"])
def test_captured_host_is_not_changed(
    root: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is refused before anything is looked at."""
    assert run(["--root", root, command, VF]) == 3
    assert "cannot change a captured host" in capsys.readouterr().err


def test_device_without_iommu_group_is_refused(
    root: str, captured: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """The hint says what to add to the kernel command line."""
    captured.device("0000:5e:00.0", group=None)
    for file in (captured.root / "sys/kernel/iommu_groups").iterdir():
        file.rmdir()
    assert run(["--root", root, "bind", "--dry-run", "--json", "5e:00.0"]) == 3
    out, err = capsys.readouterr()
    device = json.loads(out)["devices"][0]
    assert (device["rule"], device["undone"]) == ("no-iommu-group", True)
    assert "intel_iommu=on" in err


def test_unsafe_mode_needs_no_iommu_group(root: str, captured: Any) -> None:
    """Whoever turned it on knows."""
    captured.device("0000:5e:00.0", group=None)
    captured.write("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n")
    assert run(["--root", root, "bind", "--dry-run", "5e:00.0"]) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "Usage"),
        (["nosuch"], 2, "unknown command 'nosuch'"),
        (["bind"], 2, "Missing argument"),
        (["bind", "--dry-run", "3b:00.8"], 2, "function numbers are 0-7"),
        (["bind", "--dry-run", "3b:20.0"], 2, "device numbers are 00-1f"),
        (["bidn", VF], 2, "hint: did you mean bind?"),
        (["bind", "--forse", VF], 2, "hint: did you mean --force?"),
        (["explain", "ens1v9"], 4, "hint: did you mean ens1v0?"),
        (["lint", "--format", "jsn", "a.ko"], 2, "hint: did you mean json?"),
        (["resolve", "--kernel", "6.12.118", MODALIAS], 2, "hint: did you mean 6.12"),
        (["bind", "--dry-run", "../../x"], 2, "it is a path"),
        (["bind", "--dry-run", "--driver", "../../x", VF], 2, "it is a path"),
        (["bind", "--dry-run", "--driver", "-f", VF], 2, "starts with '-'"),
        (["bind", "--dry-run", "--driver", "", VF], 2, "empty driver name"),
        (["bind", "--dry-run", "0000:3b:00.7"], 4, "no such device"),
        (["explain", "nosuch"], 4, "error: nosuch: no such network interface"),
        (["explain", "pci:v15b3"], 2, "malformed modalias"),
        (["restore"], 2, "no device given"),
        (["restore", "--all", VF], 2, "--all takes no devices"),
        (["restore", "--dry-run", VF], 4, "device has no record"),
        (["resolve"], 2, "no modalias given"),
        (["resolve", "pci:foo"], 2, "malformed modalias 'pci:foo'"),
        (["resolve", "--kernel", "1.2.3", MODALIAS], 2, "no kernel '1.2.3'"),
        (["resolve", "--modules-dir", "/nosuch", MODALIAS], 2, "does not exist"),
    ],
)
def test_bad_input_has_its_own_error_and_exit_code(
    root: str,
    arguments: list[str],
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On stderr; stdout has data only."""
    assert run(["--root", root, *arguments]) == code
    out, err = capsys.readouterr()
    assert said in err
    assert "Traceback" not in err
    assert out == ""


def test_ambiguous_kind_touches_no_device(
    root: str, captured: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also not those that were named before it."""
    captured.device("0000:3b:00.3")
    assert run(["--root", root, "bind", "--dry-run", VF, "15b3:101e"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "matches 2 devices: 0000:3b:00.2, 0000:3b:00.3" in err


def test_several_devices_are_counted_and_the_worst_code_wins(
    root: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One named twice is one, and one that is missing stops no other."""
    arguments = ["bind", "--dry-run", "3b:00.7", VF, "ens1v0"]
    assert run(["--root", root, *arguments]) == 4
    out, err = capsys.readouterr()
    assert out.count("(dry run)") == 1
    assert err.endswith("2 devices: 1 changed, 1 not found\n")


def test_resolve_prints_tab_separated_columns(
    root: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dash where nothing matches."""
    other = "platform:foo"
    assert run(["--root", root, "resolve", MODALIAS, other]) == 0
    assert capsys.readouterr().out == (
        f"{MODALIAS}\tmlx5_vfio_pci\t{VARIANT}\tmodules.alias\n{other}\t-\t-\t-\n"
    )


def test_resolve_reads_stdin(
    root: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong lines are reported by number and stop nothing."""
    stdin(monkeypatch, f"\n{MODALIAS}\r\nfoo\n\xff:x\n{MODALIAS}".encode("latin-1"))
    assert run(["--root", root, "resolve", "-"]) == 2
    out, err = capsys.readouterr()
    assert out.count("mlx5_vfio_pci") == 2
    assert "error: line 3: malformed modalias 'foo'" in err
    assert "error: line 4: malformed" in err


@pytest.mark.parametrize("data", [b"", f"{MODALIAS}\nfoo\nplatform:x\n".encode()])
def test_resolve_json_is_one_document(
    root: str,
    data: bytes,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With an object a line, errors included."""
    stdin(monkeypatch, data)
    run(["--root", root, "resolve", "--json", "-"])
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "resolver/1"
    objects = document["modaliases"]
    assert [o["module"] for o in objects] == (
        ["mlx5_vfio_pci", None, None] if data else []
    )
    if data:
        assert objects[0] == {
            "modalias": MODALIAS,
            "module": "mlx5_vfio_pci",
            "alias": VARIANT,
            "wildcards": 5,
            "source": "modules.alias",
        }
        assert "malformed" in objects[1]["error"]


def test_resolve_says_that_modules_alias_is_missing(
    root: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And goes on."""
    assert run(["resolve", "--modules-dir", str(tmp_path), MODALIAS]) == 0
    out, err = capsys.readouterr()
    assert out == f"{MODALIAS}\t-\t-\t-\n"
    assert "modules.alias is missing" in err


def test_resolve_on_a_real_kernel(
    debian: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The stock Debian kernel has no variant: the generic module serves all."""
    assert run(["resolve", "--modules-dir", str(debian), MODALIAS]) == 0
    assert f"\tvfio_pci\t{GENERIC}\tmodules.alias\n" in capsys.readouterr().out


def test_kernel_can_be_named(
    root: str, captured: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A captured host may have several."""
    (captured.root / "lib/modules/6.1.0").mkdir()
    assert run(["--root", root, "explain", VF]) == 2
    assert "--kernel" in capsys.readouterr().err
    release = captured.modules.name
    assert run(["--root", root, "explain", "--kernel", release, VF]) == 0
    assert "mlx5_vfio_pci" in capsys.readouterr().out


@pytest.mark.real
def test_reader_that_goes_away_ends_the_command_quietly(root: str) -> None:
    """Like any other tool in a pipe."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "resolver", "--root", root, "devices"],
        stdout=writer,
        stderr=subprocess.PIPE,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


def test_hostile_names_do_not_reach_the_terminal(
    root: str, captured: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Control characters of an override are shown escaped."""
    captured.device("0000:3b:00.5", override="\x1b]0;owned\x07")
    captured.driver("mlx5_vfio_pci", module="mlx5_vfio_pci")
    for command in ("explain", "bind --dry-run", "unbind --dry-run"):
        run(["--root", root, *command.split(), "3b:00.5"])
        out, err = capsys.readouterr()
        assert "\x1b" not in out + err


def test_version_is_that_of_the_distribution(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """resolver and simkernel are one distribution."""
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("resolver, version ")


@pytest.mark.parametrize("name", cli.list_commands(click.Context(cli)))
def test_help_of_a_command_is_whole(name: str) -> None:
    """Its summary is short and not cut; examples end the help."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    summary = command.get_short_help_str(limit=80)
    assert len(summary) <= 60
    assert not summary.endswith("...")
    assert "Examples:\n  resolver " in (command.epilog or "")


def test_help_begins_with_the_commonest_commands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without arguments, too; the help is then no result, but a hint."""
    assert run([]) == 2
    lines = capsys.readouterr().err.splitlines()
    start = lines.index("Common commands:")
    names = [line.split()[0] for line in lines[start + 1 : start + 4]]
    assert names == ["devices", "bind", "restore"]


def test_default_of_jobs_is_that_of_the_api() -> None:
    """The command's help has it in writing."""
    command = cli.get_command(click.Context(cli), "bind")
    assert command is not None
    defaults = {one.name: one.default for one in command.params}
    assert defaults["jobs"] == DEFAULT_JOBS
    assert defaults["timeout_s"] == Options().timeout_s
