"""The kernel's own scripts, from the newest source package that Debian has.

The package is fetched with apt, in folders of our own; only the scripts are kept, in
the user's cache.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

__all__ = ["FetchError", "selftest_scripts"]

_SOURCE = (
    "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
    "http://deb.debian.org/debian trixie-backports main\n"
)
_SCRIPTS = "tools/testing/selftests/vfio/scripts"
_NUMBER = re.compile(r"\d+")
_EXTRACT = f"""
set -euo pipefail
dpkg-deb --fsys-tarfile "$1" | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
    tar -xJ -C "$2" --strip-components=1 --wildcards '*/{_SCRIPTS}/*'
"""


class FetchError(Exception):
    """The package cannot be had here."""


def selftest_scripts() -> Path:
    """Return the folder of the scripts with which the kernel tests VFIO.

    Source: the kernel's tools/testing/selftests/vfio/scripts.

    :raises FetchError: there is no apt, or it does not reach Debian.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            package, version = _newest(Path(folder))
            kept = _cache() / f"{package}_{version.replace(':', '-')}"
            if not kept.is_dir():
                _fetch(Path(folder), package, kept)
        except (OSError, subprocess.CalledProcessError) as error:
            text = getattr(error, "stderr", None) or error
            raise FetchError(f"no linux-source from Debian: {text}") from None
    return kept / _SCRIPTS


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "simkernel" / "selftests"


def _newest(folder: Path) -> tuple[str, str]:
    """Return name and version of the newest package."""
    (folder / "sources.list").write_text(_SOURCE)
    (folder / "lists/partial").mkdir(parents=True)
    (folder / "archives/partial").mkdir(parents=True)
    _apt(folder, "apt-get", "update", "-q", "-o", "APT::Update::Error-Mode=any")
    names = _apt(folder, "apt-cache", "pkgnames", "linux-source-").split()
    newest = max(names, key=lambda name: [int(one) for one in _NUMBER.findall(name)])
    shown = _apt(folder, "apt-cache", "show", "--no-all-versions", newest)
    return newest, re.findall(r"^Version: (.+)$", shown, re.MULTILINE)[0]


def _fetch(folder: Path, package: str, kept: Path) -> None:
    _apt(folder, "apt-get", "download", "-q", package)
    (archive,) = folder.glob("*.deb")
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent, ignore_cleanup_errors=True) as to:
        words = ["bash", "-c", _EXTRACT, "bash", str(archive), to]
        subprocess.run(words, check=True, capture_output=True, text=True)
        with suppress(OSError):  # somebody else was quicker
            os.rename(to, kept)


def _apt(folder: Path, command: str, *words: str) -> str:
    """Run a command of apt's that leaves the machine's lists alone."""
    settings: Sequence[str] = (
        f"Dir::Etc::SourceList={folder}/sources.list",
        "Dir::Etc::SourceParts=-",
        f"Dir::State::Lists={folder}/lists",
        "Dir::State::status=/dev/null",
        f"Dir::Cache={folder}",
        "APT::Sandbox::User=",
    )
    options = [part for one in settings for part in ("-o", one)]
    done = subprocess.run(
        [command, *options, *words],
        check=True,
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=600,
    )
    return done.stdout
