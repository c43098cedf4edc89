"""``resolver lint`` as it is called: words, files, exit codes."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from resolver.cli import run
from resolver.cli.lint import command
from tests.garbage import CORPUS

CROSS = """\
# Aliases extracted from modules themselves.
alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci
alias pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_core
alias vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i* acme_vfio_pci
"""
TWICE = "alias vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_vfio_pci\n"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """Return a module that was built for a kernel."""
    return shutil.copy(CORPUS / "good.ko", tmp_path / "good-vfio-pci.ko")


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    """Return a module directory with three files, one of them broken."""
    directory = tmp_path / "lib/modules/6.12.1"
    below = directory / "kernel/drivers/vfio/pci"
    below.mkdir(parents=True)
    shutil.copy(CORPUS / "good.ko.xz", below / "good-vfio-pci.ko.xz")
    shutil.copy(CORPUS / "good.ko.zst", below / "twin-vfio-pci.ko.zst")
    shutil.copy(CORPUS / "cut-1.ko", below / "cut.ko")
    (directory / "modules.alias").write_text(CROSS)
    (directory / "modules.dep").write_text("vfio.ko:\nvfio-pci-core.ko: vfio.ko\n")
    (directory / "build").symlink_to(tmp_path)
    return directory


def findings(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str]]:
    """Return name of the file and id of each finding."""
    document = json.loads(capsys.readouterr().out)
    return [(Path(one["path"]).name, one["id"]) for one in document["findings"]]


def test_module_that_is_well(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A person reads what it is for, and that nothing was found."""
    assert run(["lint", str(good)]) == 0
    out = capsys.readouterr().out
    assert f"{good}: module good_vfio_pci, driver good_vfio_pci\n" in out
    assert "    15b3:101e" in out
    assert out.endswith("1 module, 0 errors, 0 warnings, 0 notes\n")


def test_directory(modules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every module in it, beside the kernel that it is of; no link is followed."""
    assert run(["lint", "--format", "json", str(modules)]) == 1
    assert findings(capsys) == [
        ("cut.ko", "unreadable"),
        ("good-vfio-pci.ko.xz", "alias-tie"),
        ("good-vfio-pci.ko.xz", "not-indexed"),
        ("twin-vfio-pci.ko.zst", "alias-tie"),
        ("twin-vfio-pci.ko.zst", "file-renamed"),
        ("twin-vfio-pci.ko.zst", "not-indexed"),
    ]


def test_directory_is_read_from_what_was_kept(
    modules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second time says the same; a file that changed is read anew."""
    assert run(["lint", "--format", "json", str(modules)]) == 1
    first = findings(capsys)
    (kept,) = (tmp_path / "cache/resolver/lint").iterdir()
    text = kept.read_text()
    kept.write_text(text.replace("v000015B3d0000101E", "v000015B3d00001020"))
    assert run(["lint", "--format", "json", str(modules)]) == 1
    assert findings(capsys) != first
    assert run(["lint", "--format", "json", "--no-cache", str(modules)]) == 1
    assert findings(capsys) == first

    kept.write_text(text)
    shutil.copy(CORPUS / "good.ko", modules / "kernel/drivers/vfio/pci/cut.ko")
    assert run(["lint", "--format", "json", str(modules)]) == 1
    assert ("cut.ko", "unreadable") not in findings(capsys)


def test_what_could_not_be_read_is_tried_again(
    modules: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A library that was missing may be there the next time."""
    words = ["lint", "--only", "unreadable", "--format", "json", str(modules)]
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "zstandard", None)
        assert run(words) == 1
    both = [("cut.ko", "unreadable"), ("twin-vfio-pci.ko.zst", "unreadable")]
    assert findings(capsys) == both
    assert run(words) == 1
    assert findings(capsys) == both[:1]


def test_cache_that_cannot_be_written_is_no_error(
    modules: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told, and the work is done."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(modules / "modules.alias"))

    assert run(["lint", str(modules)]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("warning: ")
    assert "cannot write" in captured.err
    assert "unreadable" in captured.out


@pytest.mark.parametrize("how", ["--kernel", "--modules-dir"])
def test_kernel_to_compare_with(
    good: Path,
    modules: Path,
    tmp_path: Path,
    how: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By its release on a host, or by its directory."""
    words = ["--root", str(tmp_path), "--kernel", "6.12.1"]
    if how == "--modules-dir":
        words = ["--modules-dir", str(modules)]

    assert run(["lint", "--format", "json", *words, str(good)]) == 1
    assert findings(capsys) == [("good-vfio-pci.ko", "alias-tie")]


def test_names_are_the_hosts(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the database of the host that is looked at."""
    file = tmp_path / "usr/share/misc/pci.ids"
    file.parent.mkdir(parents=True)
    file.write_text("15b3  Mellanox\n\t101e  ConnectX VF\n")

    assert run(["lint", "--root", str(tmp_path), str(good)]) == 0
    assert "    15b3:101e  Mellanox ConnectX VF\n" in capsys.readouterr().out


def test_stdin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dash is what modinfo prints."""
    text = "filename: a.ko\nname: a_vfio\nalias: vfio_pci:v*d*sv*sd*bc*sc*i*\n"
    data = io.BytesIO(f"{text}depends: vfio-pci-core\nlicense: GPL\n".encode())
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=data))

    assert run(["lint", "--format", "json", "-"]) == 1
    assert findings(capsys) == [("-", "alias-match-all")]


def test_strictness_and_choice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Warnings count where they are asked for, and not where they are switched off."""
    file = tmp_path / "modules.alias"
    file.write_text(TWICE * 2)

    assert run(["lint", str(file)]) == 0
    assert "warning: line 2: " in capsys.readouterr().out
    assert run(["lint", "--strict", str(file)]) == 1
    assert run(["lint", "--strict", "--disable", "alias-duplicate", str(file)]) == 0
    assert run(["lint", "--strict", "--only", "license,unsigned", str(file)]) == 0
    assert run(["lint", "--strict", "--only", "alias-duplicate", str(file)]) == 1


def test_baseline(
    tmp_path: Path, modules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is known does not count, until it is gone, which is told."""
    file = str(tmp_path / "known.json")

    assert run(["lint", "--write-baseline", file, str(modules)]) == 1
    assert run(["lint", "--strict", "--baseline", file, str(modules)]) == 0
    assert ", 6 known\n" in capsys.readouterr().out
    os.unlink(modules / "kernel/drivers/vfio/pci/cut.ko")
    assert run(["lint", "--strict", "--baseline", file, str(modules)]) == 0
    assert "1 of its findings are gone" in capsys.readouterr().err


def test_rules_are_told_to_who_wants_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With -v, and where they can be read."""
    file = tmp_path / "modules.alias"
    file.write_text(TWICE * 2)

    assert run(["lint", "-v", str(file)]) == 0
    assert "      rule: The driver core uses the first" in capsys.readouterr().out


def test_without_the_libraries(
    good: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A person is told what to install; texts can still be read."""
    monkeypatch.setitem(sys.modules, "elftools", None)
    monkeypatch.setitem(sys.modules, "zstandard", None)

    assert run(["lint", str(good)]) == 1
    assert "pip install 'simkernel[lint]'" in capsys.readouterr().err
    text = good.with_name("modules.alias")
    text.write_text(TWICE)
    assert run(["lint", str(text)]) == 0


def test_without_what_unpacks_zstd(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The other modules are looked at, and this one is a finding."""
    monkeypatch.setitem(sys.modules, "zstandard", None)

    words = ["--disable", "file-renamed"]
    words += [str(CORPUS / f"good.ko.{ending}") for ending in ("zst", "xz")]
    assert run(["lint", *words]) == 1
    out = capsys.readouterr().out
    assert (
        "zstandard is not installed; run `pip install 'simkernel[lint]'` [unreadable]"
        in out
    )
    assert "1 module, 1 error" in out


class Terminal(io.StringIO):
    """A stream on which a person looks."""

    def isatty(self) -> bool:
        return True


def test_colours_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person sees what matters; long lines stay whole."""
    file = tmp_path / "modules.alias"
    file.write_text(TWICE * 2)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)

    assert run(["lint", str(file)]) == 0
    assert "\x1b[33m  warning: line 2: vfio_pci:v000015B3d0000" in terminal.getvalue()


@pytest.mark.parametrize(
    ("begun", "expected"),
    [
        ("core", ["core-unused", "core-not-in-depends"]),
        ("license,uns", ["license,unsigned", "license,unsigned-refused"]),
    ],
)
def test_ids_are_completed(begun: str, expected: list[str]) -> None:
    """One after the other, with commas between."""
    (option,) = (one for one in command.params if one.name == "only")
    context = click.Context(command)

    found = [one.value for one in option.shell_complete(context, begun)]
    assert found == expected


@pytest.mark.parametrize("name", ["nosuch.ko", "nosuch/modules.alias"])
def test_file_that_is_not_there(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is a finding, so that the other files are looked at, too."""
    assert run(["lint", "--format", "json", name]) == 1
    assert findings(capsys) == [(Path(name).name, "unreadable")]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "Missing argument"),
        (["--disable", "nosuch", "a.ko"], "unknown check 'nosuch'"),
        (["--kernel", "nosuch", "a.ko"], "no kernel 'nosuch' in"),
        (["--modules-dir", ".", "a.ko"], "has no modules.alias"),
        (["--kernel", "a", "--modules-dir", ".", "a.ko"], "cannot be used together"),
        (["--format", "xml", "a.ko"], "invalid --format 'xml'"),
        (["--baseline", "text", "a.ko"], "is not a baseline"),
        (["text"], "nor a text about modules"),
        (["empty"], "no modules below"),
    ],
)
def test_wrong_usage(
    words: list[str],
    problem: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It has an exit code of its own, and no traceback."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_text("hello\n")
    (tmp_path / "empty").mkdir()

    assert run(["lint", "--root", str(tmp_path), *words]) == 2
    assert problem in capsys.readouterr().err


def test_misspelled_check_is_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    """The closest one; without one, the page that lists the checks."""
    assert run(["lint", "--only", "alias-prefx", "a.ko"]) == 2
    assert capsys.readouterr().err.endswith("hint: did you mean alias-prefix?\n")
    assert run(["lint", "--only", "zzz", "a.ko"]) == 2
    assert capsys.readouterr().err.endswith("hint: docs/lint.md lists the checks\n")
