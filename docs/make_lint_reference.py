"""Writes docs/lint.md from the checks: ``python docs/make_lint_reference.py``.

A test fails while the file is not what this would write.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from resolver.lint.check import Check
from resolver.lint.checks import FAMILIES

PAGE = Path(__file__).parent / "lint.md"
INTRODUCTION = """\
# Checks for who writes a VFIO driver

<!-- Made from resolver/lint/checks by docs/make_lint_reference.py. -->

`resolver lint FILE...` looks at modules and says whether user space will find the
driver, load it and bind it, and nothing else by accident. No device is needed, and
nothing is loaded.

FILE is a module (`.ko`, `.ko.xz`, `.ko.zst`, `.ko.gz`), a `modules.alias`, a module
directory such as `/lib/modules/RELEASE`, or `-` for what `modinfo` prints:

```console
$ simkernel run mlx5_vfio_pci -- resolver lint /lib/modules/6.12.117-amd64
...
    15b3:101e
7 modules, 0 errors, 0 warnings, 0 notes
```

Only a module's file shows which drivers it registers, its table of ids and the
symbols that it uses; what a source does not show is not looked at. To read module
files, `pip install 'simkernel[lint]'`.

- `--kernel RELEASE` or `--modules-dir DIR` says which kernel to compare with; for a
  module directory with a `modules.alias` that is the directory itself. Modules that
  are named together are compared with each other, too.
- `--only` and `--disable` take ids of checks.
- `--format` is `text`, `json` ([a document](json.md)), `sarif` (2.1.0, for code
  review) or `junit`.
- `--write-baseline FILE` notes what is found now; with `--baseline FILE`, it is not
  reported again. A finding is the same if check, module, and alias or driver are.
- The names of devices are from `pci.ids` (Debian: `pci.ids`, Fedora: `hwdata`), if it
  is there.
- What the files of a module directory say is kept in `$XDG_CACHE_HOME/resolver`, by
  path, size and time of change; `--no-cache` reads them anew. Debian's 4,230 modules
  take 6 s on two processors, and less than a second the next time
  (`python -m benchmarks lint`).

A file may be anything: it is given at most 256 MiB, unpacked or not, and what cannot
be read is a finding like others.

| severity | meaning |
|---|---|
| error | a device gets the wrong driver, or none; the exit code is 1 |
| warning | that depends on host or tool; the exit code is 0, with `--strict` 1 |
| note | good to know |

In a CI job, where a build has made `my-vfio-pci.ko`:

```sh
pip install 'simkernel[lint]'
resolver lint --strict --disable unsigned --format sarif my-vfio-pci.ko > lint.sarif
```
"""


def reference() -> str:
    """Return the text of docs/lint.md."""
    parts = [INTRODUCTION]
    for heading, checks in FAMILIES.items():
        parts.append(f"\n## {heading}\n")
        parts += [line for one in checks for line in _check(one)]
    return "".join(parts)


def _check(check: Check) -> Iterator[str]:
    kernel = ", where there is a kernel to compare with" if check.needs_kernel else ""
    yield f"\n### {check.id}\n\n{check.severity.capitalize()}{kernel}. "
    yield f"{_text(check.reason)}\n\n"
    yield f"- Rule: {_text(check.rule)} ({_text(check.source)})\n"
    yield f"- Way out: {_text(check.remedy)}\n"


# Stars are no emphasis, and names with underscores stay what they are.
def _text(text: str) -> str:
    return text.replace("*", "\\*").replace("_", "\\_").replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
