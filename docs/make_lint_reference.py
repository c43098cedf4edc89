"""Write docs/lint.md from the checks: ``python docs/make_lint_reference.py``.

A test fails if the file is not current.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from resolver.lint.check import Check
from resolver.lint.checks import FAMILIES

PAGE = Path(__file__).parent / "lint.md"
INTRODUCTION = """\
# Check a VFIO driver's module

<!-- Made from resolver/lint/checks by docs/make_lint_reference.py. -->

```sh
resolver lint my-vfio-pci.ko                 # also .ko.xz, .ko.zst, .ko.gz
resolver lint --kernel RELEASE my-vfio-pci.ko   # compare with this kernel
resolver lint /lib/modules/RELEASE           # a module directory or modules.alias
modinfo my-vfio-pci.ko | resolver lint -     # the output of modinfo
```

`resolver lint` checks whether user space will find the driver, load it and bind it, and
bind nothing else by accident. It needs no device and loads nothing. To read module
files, install the extra `lint` ([README](../README.md#install)).

```console
$ simkernel run mlx5_vfio_pci -- resolver lint /lib/modules/6.12.117-amd64
...
    15b3:101e
7 modules, 0 errors, 0 warnings, 0 notes
```

| severity | meaning | exit code |
|---|---|---|
| error | a device gets the wrong driver, or none | 1 |
| warning | the same, depending on host or tool | 0, with `--strict` 1 |
| note | for information | 0 |

| option | effect |
|---|---|
| `--kernel RELEASE`, `--modules-dir DIR` | compare with this kernel |
| `--only ID,...`, `--disable ID,...` | run only these checks, or skip them |
| `--format` | `text`, [`json`](json.md#lint), `sarif` (2.1.0) or `junit` |
| `--write-baseline FILE` | save the present findings |
| `--baseline FILE` | do not report the saved findings again |
| `--no-cache` | read all module files again |

- A module directory with a `modules.alias` is compared with itself. Modules that one
  command names are also compared with each other.
- Only a module's file shows which drivers it registers, its id table, and the symbols
  it uses. Checks that need more than the input shows are skipped.
- Checks that compare with a kernel are skipped if there is none to compare with.
- Check, module, and alias or driver identify a finding in a baseline.
- Names of devices come from `pci.ids` if it is installed (Debian: `pci.ids`, Fedora:
  `hwdata`).
- The content of a module directory is cached in `$XDG_CACHE_HOME/resolver`, by path,
  size and modification time. Debian's 4,230 modules take 6 s on two processors, and
  less than a second from the cache (`python -m benchmarks lint`).
- `resolver lint` reads at most 256 MiB of a file, uncompressed or not. A file that it
  cannot read is a finding like any other.

In a CI job that has built `my-vfio-pci.ko`:

```sh
resolver lint --strict --disable unsigned --format sarif my-vfio-pci.ko > lint.sarif
```

[developers.md](developers.md#run-it-on-each-push) has jobs for GitHub and GitLab.
"""


def reference() -> str:
    """Return the text of docs/lint.md."""
    parts = [INTRODUCTION, *_overview()]
    for heading, checks in FAMILIES.items():
        parts.append(f"\n## {heading}\n")
        parts += [line for one in checks for line in _check(one)]
    return "".join(parts)


def _overview() -> Iterator[str]:
    yield "\n## Checks\n\n"
    yield "| check | severity | compares with a kernel |\n|---|---|---|\n"
    for check in (one for checks in FAMILIES.values() for one in checks):
        kernel = "yes" if check.needs_kernel else "no"
        yield f"| [{check.id}](#{check.id}) | {check.severity} | {kernel} |\n"


def _check(check: Check) -> Iterator[str]:
    yield f"\n### {check.id}\n\n{check.severity.capitalize()}. "
    yield f"{_text(check.reason)}\n\n"
    yield f"- Rule: {_text(check.rule)}\n"
    yield f"- Source: {_text(check.source)}\n"
    yield f"- Fix: {_text(check.remedy)}\n"


# Escape Markdown: aliases have stars, and names have underscores.
def _text(text: str) -> str:
    return text.replace("*", "\\*").replace("_", "\\_").replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
