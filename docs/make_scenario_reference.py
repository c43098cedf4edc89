"""Write docs/scenario.md from the schema: ``python docs/make_scenario_reference.py``.

A test fails if the file is not current.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any

from simkernel.scenario.schema import devices, kernel, modules, programs, scenario

INTRODUCTION = """\
# Scenario file

<!-- Made from simkernel/scenario/schema/ by docs/make_scenario_reference.py. -->

```sh
simkernel show mlx5_vfio_pci                # print a scenario that comes with simkernel
simkernel show ./host.yaml.j2               # print your own, rendered
simkernel run --set vfs=2 ./host.yaml.j2 -- resolver devices
```

A scenario is a file `NAME.yaml.j2`. A line `---` divides it into two parts:

1. Plain YAML: a `description`, and `parameters` with a `default` and a `description`
   each.
2. A [Jinja2](https://jinja.palletsprojects.com/) template. Its variables are the
   parameters. It renders to YAML with the keys below.

- `simkernel run --set NAME=VALUE` sets a parameter.
- Jinja2 runs in its sandbox. An undefined name is an error.
- YAML does not guess types. Every value is text unless the tables below give a type, so
  `0000:01:00.0` needs no quotes.
- Quote a text that YAML reads as syntax: one with `: ` or ` #`, or with a leading `*`,
  `[`, `{` or `"`.
- An unknown key is an error. simkernel reports all errors at once, each with its place.
- `{% import "_macros/vfio.yaml.j2" as vfio %}` imports macros for the modules of a
  stock kernel: `vfio.stock()`, `vfio.variant(...)`, `vfio.host_driver(...)`.

[simkernel.md](simkernel.md#write-a-scenario) has a complete scenario.

## Say what uses a device

| to show | write |
|---|---|
| an interface in another network namespace | `directories: [/sys/devices/.../net]`, which is then empty |
| a device node of a disk, a card or a program | `nodes` |
| a disk that ZFS, DRBD or a mount elsewhere claims | `nodes` with `claimed: true` |
| a process that has a device open | `processes` with `files`; `number` if the node has another name in its container |
| a packet socket | `processes` with `sockets`, and `files: /proc/net/packet` |
| an address without a route | `addresses` |
| disks behind a VMD controller | `devices` with `created_by` |
| a device after a failed reset or a surprise removal | `answers: false` |
| a program in a container | `container: true` |
| mounts, swap, majors, memory, framebuffers | `files`: `/proc/self/mountinfo`, `/proc/swaps`, `/proc/devices`, `/proc/misc`, `/proc/iomem` |

The scenarios `in_use`, `vmd`, `container`, `vgpu` and `console_framebuffer` are examples.

These keys differ by tier:

| key | fakefs | fuse |
|---|---|---|
| `nodes` | can be opened, and are empty | have type and number; opening them fails with EACCES, so no program sees `claimed` |
| `processes` | `comm` and `fd` in `/proc/PID` | real processes with these pids; they hold their files open, but no `sockets` |
| `addresses` | netlink and `/proc/net/if_inet6` answer with them | not shown |
| `files` below `/proc` | all | those that the machine has, too, but not those in `/proc/net`; those in `/proc/self` for process 1 only |
| `links`, `directories` below `/proc` and `/dev` | all | not shown |
| `container` | no process 2, other namespaces | no process 2 |

The vm tier shows none of them. `simkernel run` names the keys that a tier leaves out.

"""  # noqa: E501  # rows of tables
PARTS = (scenario, kernel, devices, modules, programs)
"""The schema's modules; a class that uses another comes first."""
CLASSES = [
    one
    for part in PARTS
    for one in reversed(vars(part).values())
    if isinstance(one, type) and is_dataclass(one) and one.__module__ == part.__name__
]


def reference() -> str:
    """Return the text of docs/scenario.md."""
    documented = _attribute_docstrings()
    parts = [INTRODUCTION]
    for cls in CLASSES:
        title = cls.__name__.removesuffix("Entry")
        parts.append(f"## {title}\n\n{inspect.cleandoc(cls.__doc__ or '')}\n\n")
        parts.append("| key | value | default | meaning |\n|---|---|---|---|\n")
        parts += _rows(cls, documented[cls.__name__])
        parts.append("\n")
    return "".join(parts).rstrip("\n") + "\n"


def _rows(cls: type[Any], documented: dict[str, str]) -> Iterator[str]:
    for field in fields(cls):
        kind = field.metadata.get("meaning") or _kind(str(field.type))
        if "meaning" in field.metadata and str(field.type).startswith("tuple["):
            kind = f"list of: {kind}"
        meaning = documented.get(field.name, "")
        cells = (f"`{field.name.rstrip('_')}`", kind, _default(field), meaning)
        escaped = [cell.replace("|", "\\|").replace("\n", " ") for cell in cells]
        yield f"| {' | '.join(escaped)} |\n".replace("``", "`")


def _kind(annotation: str) -> str:
    """Return a type in the words of an author of YAML."""
    annotation = annotation.removesuffix(" | None")
    if annotation.startswith("tuple["):
        inner = annotation.removeprefix("tuple[").removesuffix(", ...]")
        return f"list of {_kind(inner)}"
    names = {
        "str": "text",
        "int": "number",
        "bool": "true or false",
        "dict[str, str]": "mapping of names to texts",
    }
    title = annotation.removesuffix("Entry")
    return names.get(annotation, f"[{title}](#{title.lower()})")


def _default(field: Field[Any]) -> str:
    if field.default is MISSING:
        return "" if field.default_factory is not MISSING else "required"
    if field.default in (None, "", ()):
        return ""
    text = str(field.default)
    return f"`{text.lower() if isinstance(field.default, bool) else text}`"


def _attribute_docstrings() -> dict[str, dict[str, str]]:
    """Return the docstring below each attribute, by class and attribute."""
    found: dict[str, dict[str, str]] = {}
    trees = [ast.parse(inspect.getsource(part)) for part in PARTS]
    for node in (one for tree in trees for one in tree.body):
        if not isinstance(node, ast.ClassDef):
            continue
        found[node.name] = {}
        for before, after in zip(node.body, node.body[1:], strict=False):
            if (
                isinstance(before, ast.AnnAssign)
                and isinstance(before.target, ast.Name)
                and isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant)
            ):
                text = inspect.cleandoc(str(after.value.value))
                found[node.name][before.target.id] = text
    return found


if __name__ == "__main__":
    path = Path(__file__).with_name("scenario.md")
    path.write_text(reference(), encoding="utf-8")
