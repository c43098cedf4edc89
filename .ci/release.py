"""Build a release, check it, and try its wheel; publish nothing.

Run by ``tox -e release``. On a commit with a tag such as v0.2.0, the files in ``dist/``
are that release. On any other commit, this is a rehearsal: a clone gets the section in
CHANGELOG.md and the tag that a release has, and its files are deleted.
"""

from __future__ import annotations

import datetime
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
REHEARSED = "9999.0"
COMMANDS = ("resolver", "simkernel")


def notes(changelog: str, version: str) -> str:
    """Return what a changelog says of a version.

    :param version: with the day of its release in the heading, or ``Unreleased``.
    :raises SystemExit: it says nothing, or more is above it.
    """
    heading = re.escape(version)
    if version != "Unreleased":
        heading += r" - \d{4}-\d\d-\d\d"
    sections = re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]
    first, _, text = sections[0].partition("\n") if sections else ("", "", "")
    if not re.fullmatch(heading, first):
        sys.exit(f"CHANGELOG.md: the first section is {first!r}, not of {version}")
    if not re.search(r"^- ", text, re.MULTILINE):
        sys.exit(f"CHANGELOG.md: no changes in the section of {version}")
    return text.strip()


def tag_of(checkout: Path) -> str | None:
    """Return the version tag of the commit that is checked out."""
    words = ["git", "tag", "--points-at", "HEAD", "--list", "v[0-9]*"]
    tags = _output(words, cwd=checkout).split()
    return tags[0] if tags else None


def rehearse(checkout: Path) -> str:
    """Make a commit and a tag as for a release, and return the tag."""
    file = checkout / "CHANGELOG.md"
    text = file.read_text("utf-8")
    notes(text, "Unreleased")
    day = datetime.date.today().isoformat()
    text = text.replace("## Unreleased", f"## {REHEARSED} - {day}", 1)
    file.write_text(text, "utf-8")
    git = ["git", "-c", "user.name=rehearsal", "-c", "user.email=rehearsal@invalid"]
    _run([*git, "commit", "--quiet", "--all", "--message=rehearsal"], cwd=checkout)
    _run([*git, "tag", f"v{REHEARSED}"], cwd=checkout)
    return f"v{REHEARSED}"


def built(checkout: Path, folder: Path, version: str) -> Path:
    """Build and check both files of a version, and return the wheel.

    The wheel is built from the sdist, so that nothing is missing there.
    """
    _run([sys.executable, "-m", "build", "--outdir", str(folder), str(checkout)])
    files = sorted(folder.iterdir())
    _run([sys.executable, "-m", "twine", "check", "--strict", *map(str, files)])
    names = [one.name for one in files]
    wheel = f"simkernel-{version}-py3-none-any.whl"
    if names != [wheel, f"simkernel-{version}.tar.gz"]:
        sys.exit(f"the tag is for version {version}, but these were built: {names}")
    return folder / wheel


def demo(readme: str) -> tuple[str, str]:
    """Return the first command that the README shows, and what it prints."""
    found = re.search(
        r"^```console\n\$ (.*)\n((?:(?!\$|```).*\n)*)", readme, re.MULTILINE
    )
    if found is None:
        sys.exit("README.md: no command is shown")
    return found[1], found[2]


def try_wheel(wheel: Path, checkout: Path, version: str, folder: Path) -> None:
    """Install a wheel into a new environment, and run what the README shows."""
    venv.create(folder, with_pip=True)
    programs = folder / "bin"
    _run([str(programs / "pip"), "install", "--quiet", str(wheel)])
    for name in COMMANDS:
        said = _output([str(programs / name), "--version"], cwd=folder)
        if said.split()[-1] != version:
            sys.exit(f"{name} --version of {version}: {said}")
    command, expected = demo((checkout / "README.md").read_text("utf-8"))
    print(f"$ {command}", flush=True)
    shell = f'PATH="{programs}:$PATH"; {command}'
    shown = _output(["sh", "-c", shell], cwd=folder)
    print(shown, flush=True)
    if shown != expected:
        sys.exit(f"README.md shows another output:\n{expected}")


def main() -> None:
    """Make the release of the tag of HEAD, or rehearse one."""
    tag = tag_of(ROOT)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        checkout = place / "checkout"
        _run(["git", "clone", "--quiet", str(ROOT), str(checkout)])
        version = (tag or rehearse(checkout)).removeprefix("v")
        print(notes((checkout / "CHANGELOG.md").read_text("utf-8"), version))
        wheel = built(checkout, place / "dist", version)
        try_wheel(wheel, checkout, version, place / "venv")
        if tag is None:
            print(f"rehearsal: version {version} would be complete")
            return
        shutil.rmtree(ROOT / "dist", ignore_errors=True)
        shutil.copytree(place / "dist", ROOT / "dist")
    print(f"version {version} is in dist/; to publish it: twine upload dist/*")


def _run(words: Sequence[str], cwd: Path | None = None) -> None:
    print(f"$ {' '.join(words)}", flush=True)
    done = subprocess.run(words, check=False, cwd=cwd)
    if done.returncode:
        sys.exit(f"{words[0]} failed: exit code {done.returncode}")


def _output(words: Sequence[str], cwd: Path) -> str:
    done = subprocess.run(
        words, check=False, cwd=cwd, stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        sys.exit(f"{' '.join(words)} failed: exit code {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    main()
