"""What kmod 30 answered on Debian's Linux 6.12.117, step by step.

The steps are those of a recorded session in a virtual machine: its commands with their
output, and what was done to files and modules in between.
"""

from __future__ import annotations

import json
import lzma
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from simkernel.kmod import depmod
from simkernel.kmod.names import path_to_module_name
from simkernel.model.modules.spec import ModuleSpec, ParameterSpec

DATA = Path(__file__).parents[3] / "data"
STOCK = DATA / "debian-6.12.117-amd64"
OURS = ("modprobe", "rmmod", "insmod", "modinfo", "lsmod")
# Modules that the session built itself; "extra" and "mtty" come from in-tree sources.
OWN_ALIASES = {
    "simplat": ("platform:simtab2", "platform:sim-plat-b"),
    "simdrv_a": (
        "pci:v00001B36d00007B00sv*sd*bc*sc*i*",
        "pci:v00001B36d00007A02sv00001AF4sd00001100bc*sc*i*",
        "pci:v00001B36d00007A01sv*sd*bc*sc*i*",
    ),
    "simdrv_ov": (
        "vfio_pci:v00001B36d00007A05sv00001AF4sd*bc02sc00i*",
        "vfio_pci:v00001B36d00007B01sv*sd*bc*sc*i*",
        "vfio_pci:v00001B36d00007A01sv*sd*bc*sc*i*",
    ),
    "simdrv_b": (
        "pci:v00001B36d00007B01sv*sd*bc*sc*i*",
        "pci:v00001B36d00007A01sv*sd*bc*sc*i*",
    ),
    "simdrv_class": ("pci:v*d*sv*sd*bc08sc80i*",),
    "virtio_vfio_pci": ("vfio_pci:v00001AF4d00001041sv*sd*bc*sc*i*",),
    "mlx5_vfio_pci": ("vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i*",),
}
# modules.dep lists indirect dependencies too; these are also direct ones.
ALSO_DIRECT = {"vfio_pci": ("vfio",)}
SIM_PARAMETERS = (
    ParameterSpec(name="probe_rc"),
    ParameterSpec(name="probe_count", mode=0o444),
    ParameterSpec(name="last", type="charp", default="", mode=0o444),
)
Step = dict[str, Any]


def load(path: Path) -> str:
    """Return the text of a compressed file."""
    return lzma.decompress(path.read_bytes()).decode()


def stock_lines(file: str, keyword: str) -> dict[str, list[str]]:
    """Return what a line of modules.alias or modules.softdep says, by module."""
    found: dict[str, list[str]] = {}
    for line in load(STOCK / f"{file}.xz").splitlines():
        if not line.startswith(f"{keyword} "):
            continue
        _, first, rest = line.split(" ", 2)
        module, text = (rest, first) if keyword == "alias" else (first, rest)
        found.setdefault(module, []).append(text)
    return found


def specs_of(dependency_lines: str) -> list[ModuleSpec]:
    """Return the modules of the session's tree in its order, then the built-in ones."""
    aliases = stock_lines("modules.alias", "alias")
    softdeps = stock_lines("modules.softdep", "softdep")
    closures = {}
    paths = {}
    for line in dependency_lines.splitlines():
        path, _, rest = line.partition(":")
        name = path_to_module_name(path)
        paths[name] = path.removesuffix(".xz")
        closures[name] = [path_to_module_name(each) for each in rest.split()]
    specs: list[ModuleSpec] = []
    for name, closure in closures.items():
        indirect = {below for each in closure for below in closures[each]}
        # depmod ranks what comes later among the symbols earlier.
        direct = [each for each in reversed(closure) if each not in indirect]
        specs.append(
            ModuleSpec(
                name=name,
                path=paths[name],
                aliases=OWN_ALIASES.get(name, tuple(aliases.get(name, ()))),
                depends=(*direct, *ALSO_DIRECT.get(name, ())),
                softdeps=tuple(softdeps.get(name, ())),
                parameters=SIM_PARAMETERS if name.startswith("simdrv") else (),
            )
        )
    return specs + builtin_specs()


def builtin_specs() -> list[ModuleSpec]:
    """Return the built-in modules of the stock kernel."""
    return [
        ModuleSpec(name=path_to_module_name(path), path=path, builtin=True)
        for path in load(STOCK / "modules.builtin.xz").splitlines()
    ]


@pytest.fixture(scope="module")
def steps() -> list[Step]:
    """Return the recorded steps."""
    text = load(DATA / "golden/b08_modules.steps.jsonl.xz")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def tree(steps: list[Step]) -> Mapping[str, bytes]:
    """Return our tree for the session's modules."""
    release = "6.12.117+deb12-amd64"
    given = recorded(steps, "cat", "modules.dep")["out"]
    files = dict(depmod.generate(specs_of(given), release, compress=True))
    modinfo = lzma.decompress((STOCK / "modules.builtin.modinfo.xz").read_bytes())
    files["modules.builtin.modinfo"] = modinfo
    return files


def recorded(steps: list[Step], *words: str) -> Step:
    """Return the first recorded command with these words in it."""
    return next(
        step
        for step in steps
        if step["do"] == "run" and all(word in " ".join(step["argv"]) for word in words)
    )


def test_generated_tree_is_the_recorded_one(
    steps: list[Step], tree: Mapping[str, bytes]
) -> None:
    """Dependencies, aliases and soft dependencies come out in the recorded order."""
    aliases = tree["modules.alias"].decode().splitlines()
    found = "".join(
        f"{number}:{line}\n"
        for number, line in enumerate(aliases, start=1)
        if "7a0" in line.lower()
    )

    assert recorded(steps, "cat", "dep")["out"] == tree["modules.dep"].decode()
    assert recorded(steps, "cat", "softdep")["out"] == tree["modules.softdep"].decode()
    assert recorded(steps, "grep", "7a0")["out"] == found


class Replay:
    """Carries out the recorded steps on a fake host and collects what differs."""

    def __init__(self, host: Any, objects: Mapping[str, bytes], release: str) -> None:
        self.host = host
        self.objects = objects
        self.release = release
        self.counts: Counter[str] = Counter()
        self.differences: list[str] = []

    def take(self, step: Step) -> None:
        """Carry out one step."""
        kind = step["do"].replace("-", "_")
        self.counts[kind] += 1
        getattr(self, f"_{kind}")(step)

    def _section(self, step: Step) -> None:
        self.section = step["name"]

    def _run(self, step: Step) -> None:
        if step["argv"][0] not in OURS:
            self.counts["not ours"] += 1
            return
        result = self.host.run(
            *step["argv"], uid=step.get("uid", 0), environment=step.get("env")
        )
        out, err = result.stdout.decode(), result.stderr.decode()
        real = (step["ret"], step["out"], step["err"])
        if step["argv"] == ["modprobe", "-c"]:
            # The recording stops after 6000 characters, and has the parameters that
            # the virtual machine was started with.
            out = out[: out.index("\n\n")]
            lines = step["out"].split("\n\n")[0].splitlines(keepends=True)
            real = (
                step["ret"],
                "".join(x for x in lines if "virtme" not in x),
                step["err"],
            )
        self._compare(step, real, (result.returncode, out, err))
        self.counts["compared"] += 1

    def _compare(self, step: Step, real: object, ours: object) -> None:
        if real != ours:
            what = step.get("argv") or step.get("path") or "loaded"
            text = f"{self.section}: {step.get('n')} {what}\n  {real}\n  {ours}"
            self.differences.append(text)

    def _loaded(self, step: Step) -> None:
        # Not recorded for every module: only those of interest.
        interest = (
            "simdrv_a", "simdrv_b", "simdrv_ov", "simdrv_class", "simdrv_notable",
            "vfio", "vfio_pci", "vfio_pci_core", "vfio_iommu_type1", "dummy",
            "irqbypass",
        )  # fmt: skip
        ours = sorted(each for each in interest if each in self.host.loaded)
        self._compare(step, sorted(step["names"]), ours)

    def _read(self, step: Step) -> None:
        self._compare(step, step["out"], self.host.read(step["path"]).decode())

    def _unload(self, step: Step) -> None:
        self.host.run("rmmod", step["name"])

    def _quiet(self, step: Step) -> None:
        self.host.run(*step["argv"])

    def _write(self, step: Step) -> None:
        self.host.files[step["path"]] = step["text"].encode()

    def _append(self, step: Step) -> None:
        self.host.files[step["path"]] += step["text"].encode()

    def _unlink(self, step: Step) -> None:
        del self.host.files[step["path"]]

    def _rename(self, step: Step) -> None:
        self.host.files[step["to"]] = self.host.files.pop(step["from"])

    def _copy(self, step: Step) -> None:
        name = step["from"].rpartition("/")[2]
        self.host.files[step["to"] + name] = self.objects[name]

    def _cover(self, step: Step) -> None:
        self.host.covered.append(step["path"])

    def _uncover(self, step: Step) -> None:
        self.host.covered.remove(step["path"])


def load_initially(host: Any, listing: str) -> None:
    """Load what was loaded before the session, as its lsmod lists it."""
    from_session = {"simdrv_a", "mlxfw", "pci_hyperv_intf"}
    lines = [line.split() for line in listing.splitlines()[1:]]
    host.sizes_bytes = {words[0]: int(words[1]) for words in lines}
    for name, size, count, *users in reversed(lines):
        if name in from_session:
            continue
        holders = tuple(users[0].split(",")) if users else ()
        host.preload(
            name,
            size_bytes=int(size),
            holders=holders,
            opened=int(count) - len(holders),
        )


def test_recorded_session_gives_the_same_answers(
    steps: list[Step],
    tree: Mapping[str, bytes],
    make_host: Callable[[Mapping[str, bytes]], Any],
    release: str,
) -> None:
    """Every recorded answer of a command of kmod, and what is loaded after it."""
    directory = f"/lib/modules/{release}"
    objects = {
        path.rpartition("/")[2]: content
        for path, content in tree.items()
        if path.startswith("updates/")
    }
    files = {f"{directory}/{path}": content for path, content in tree.items()}
    files |= {f"/KO/{name}": content for name, content in objects.items()}
    host = make_host(files)
    load_initially(host, recorded(steps, "lsmod")["out"])
    replay = Replay(host, objects, release)
    for step in steps:
        replay.take(step)

    assert replay.differences == []
    assert (replay.counts["compared"], replay.counts["loaded"]) == (293, 287)
