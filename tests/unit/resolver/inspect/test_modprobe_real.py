"""The installed kmod and our reading take the same steps on generated hosts.

The large run: ``HYPOTHESIS_PROFILE=soak pytest -n 0 THIS_FILE``.

The real program sees a generated kernel command line and generated loaded modules: it
runs in its own mount namespace.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resolver.inspect.module_loading import modprobe_of
from resolver.linux import Host
from simkernel.kmod import depmod
from simkernel.model.modules.spec import ModuleSpec
from tests.modprobe_lines import COMMAND_LINES, LINES
from tests.modprobe_lines import MODULES as KNOWN_MODULES

RELEASE = "6.6.6-zz"
DIRECTORIES = ("etc/modprobe.d", "run/modprobe.d", "lib/modprobe.d")
FORCE = "SIMKERNEL_FORCE_KMOD"
NAMESPACE = ["unshare", "--mount", "--map-root-user"]


def is_possible() -> bool:
    """Return whether modprobe is there and can run in a mount namespace."""
    if not all(map(shutil.which, ("modprobe", "unshare", "mount"))):
        return False
    trial = [*NAMESPACE, "mount", "--bind", "/proc/version", "/proc/cmdline"]
    return subprocess.run(trial, capture_output=True).returncode == 0


pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not os.environ.get(FORCE) and not is_possible(),
        reason=f"modprobe cannot run in a mount namespace; {FORCE}=1 forces it",
    ),
]

MODULES = ["zz", "zz_a", "zz_b", "zz_vfio", "zz_vfio_core", "zz_vfio_pci", "zz_q"]
names = st.sampled_from([*MODULES, *(one.replace("_", "-") for one in MODULES)])
aliases = st.sampled_from(
    ["pci:v0001*", "pci:v*d0001*", "pci:v0001d0001sv1", "zz-alias", "zz_[a-b]x",
     "vfio_pci:v*d*", "pci:v000[1-2]d*", "zz?alias", "char-major-10-7", "zz*"]
)  # fmt: skip
asked_aliases = st.sampled_from(
    ["pci:v0001d0001sv1", "zz-alias", "zz_alias", "zz-bx", "off", "vfio_pci:v1d1",
     "symbol:zz_a_interface", "zz_none", "zz[", "char_major_10_7", "zz.ko"]
)  # fmt: skip
patterns = st.one_of(
    names, st.sampled_from(["zz*", "zz_?", "zz-vfio*", "zz[_-]a", "zz_vfio_[cp]*",
                            "*", "zz-[ab]", "z[z", "zz\\_a", "ZZ_a"])
)  # fmt: skip
anything = st.one_of(names, names, aliases, asked_aliases)
commands = st.one_of(
    st.sampled_from(["/bin/true", "/bin/false", "true", ":", "exit 1", "  ", "\t",
                     "/sbin/vfio-override.sh", "/bin/true && modprobe -i zz",
                     "/sbin/modprobe -i zz_a $CMDLINE_OPTS", "echo a\\", "a # b"]),
    st.builds("/sbin/modprobe --ignore-install {} $CMDLINE_OPTS".format, names),
)  # fmt: skip
blanks = st.sampled_from(
    [" ", " ", " ", " ", "\t", "  ", " \t", "\\\n ", " \\\n", "\u00a0", "\f", "\r"]
)
ends = st.sampled_from(
    [*["\n"] * 12, " \n", "\t\n", "\r\n", "\u00a0\n", "\f\n", "\\\n", "", "\0\n"]
)


def line(*parts: str | st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Words with blanks between them, and an end."""
    all_parts: list[st.SearchStrategy[str]] = []
    for part in parts:
        all_parts += [blanks, part if not isinstance(part, str) else st.just(part)]
    return st.tuples(*all_parts[1:], ends).map("".join)


lines = st.one_of(
    line("install", patterns, commands),
    line("install", patterns, commands),
    line("blacklist", anything),
    line("blacklist", names),
    line("alias", st.one_of(aliases, names, patterns), names),
    line("alias", names, "off"),
    line("softdep", patterns, "pre:", anything),
    line("softdep", names, "pre:", names, "post:", names),
    line("softdep", patterns, "post:", anything),
    line("softdep", names, anything),
    line("options", anything, "ids=10de:1b80", "x"),
    line("remove", patterns, "/bin/true"),
    st.sampled_from(
        ["install zz_a\n", "install zz_a \n", "blacklist\n", "# blacklist zz\n",
         "  # blacklist zz\n", "Blacklist zz\n", "softdep zz_a\n", "options zz_a\n",
         "include x\n", "alias zz_a\n", "#\\\nblacklist zz_a\n", "bla\\cklist zz_a\n",
         "\ufeffblacklist zz_a\n", "softdep zz_a  pre: zz_b\n", "blacklist zz_a zz_b\n",
         "softdep zz_a pre:zz_b\n", "softdep zz_a post: zz_b pre: zz\n",
         "\tblacklist zz_a\n", "alias zz_a zz_b zz_q\n", "install zz_a  pre: x\n"]
    ),
)  # fmt: skip
file_names = st.sampled_from(
    ["a.conf", "b.conf", "zz.conf", "c.alias", ".x.conf", ".conf", "a.conf~", "b.txt",
     "modules.softdep.conf", "Z.conf", "\u00e4.conf", "a.CONF", "-.conf"]
)  # fmt: skip
places = st.builds("{}/{}".format, st.sampled_from(DIRECTORIES), file_names)
oddities = st.sampled_from(["directory", "dangling", "null", "loop"])
words = st.one_of(
    st.builds("modprobe.blacklist={},{}".format, names, names),
    st.builds("modprobe.blacklist={}".format, anything),
    st.builds("{}.ids=1,{}".format, names, names),
    st.sampled_from(
        ["quiet", "root=/dev/a.b", '"zz_a.x=1 2"', 'zz_a.x="1 2"', "zz_a.x", "zz[.x=1",
         'zz_a."x=1"', "modprobe.blacklist=", "modprobe.x=1", "zz-b.y=2 zz_a.x=1",
         'a"b.c=1', "zz_a.x.y=1", "modprobe.blacklist", "--", "zz_a=1.2"]
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A host, and names to load there."""

    specs: list[ModuleSpec]
    files: Mapping[str, str]
    oddities: Mapping[str, str]
    command_line: str
    live: Mapping[str, str]
    asked: list[str]


@st.composite
def module_trees(draw: st.DrawFn) -> list[ModuleSpec]:
    """Modules of one kernel, each with needs among the earlier ones."""
    chosen = draw(st.lists(st.sampled_from(MODULES), min_size=1, unique=True))
    specs: list[ModuleSpec] = []
    for name in chosen:
        loadable = [one.name for one in specs if not one.builtin]
        file_name = draw(st.sampled_from([name, name.replace("_", "-")]))
        is_builtin = draw(st.integers(0, 4)) == 0
        needs: list[str] = []
        if loadable and not is_builtin:
            needs = draw(st.lists(st.sampled_from(loadable), max_size=3, unique=True))
        specs.append(
            ModuleSpec(
                name=name,
                path=f"kernel/{file_name}.ko",
                builtin=is_builtin,
                aliases=tuple(draw(st.lists(aliases, max_size=3))),
                depends=tuple(needs),
                softdeps=tuple(
                    draw(st.lists(st.builds("pre: {}".format, names), max_size=1))
                ),
            )
        )
    return draw(st.permutations(specs))


cases = st.builds(
    Case,
    specs=module_trees(),
    files=st.dictionaries(
        places, st.lists(lines, max_size=6).map("".join), min_size=1, max_size=4
    ),
    oddities=st.dictionaries(places, oddities, max_size=1),
    command_line=st.lists(words, max_size=3).map(lambda each: " ".join(each) + "\n"),
    live=st.dictionaries(
        st.sampled_from(MODULES), st.sampled_from(["live", "coming", ""]), max_size=2
    ),
    asked=st.lists(
        st.one_of(names, names, names, asked_aliases), min_size=1, max_size=4
    ),
)


def build(case: Case, root: Path) -> None:
    """Write the host of a case."""
    for place in (*DIRECTORIES, "sys/module", "proc", f"lib/modules/{RELEASE}"):
        (root / place).mkdir(parents=True)
    (root / "proc/cmdline").write_text(case.command_line)
    for name, state in case.live.items():
        (root / "sys/module" / name).mkdir()
        if state:
            (root / "sys/module" / name / "initstate").write_text(f"{state}\n")
    for name, data in depmod.generate(case.specs, RELEASE).items():
        path = root / "lib/modules" / RELEASE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    for name, text in case.files.items():
        (root / name).write_bytes(text.encode())
    for name, kind in case.oddities.items():
        path = root / name
        path.unlink(missing_ok=True)
        if kind == "directory":
            path.mkdir()
        else:
            targets = {"dangling": "nowhere", "null": "/dev/null", "loop": path.name}
            path.symlink_to(targets[kind])


def real_answers(root: Path, asked: list[str], options: str) -> Iterator[list[str]]:
    """Run the real modprobe for each name, in one namespace."""
    script = (
        'mount --bind "$0/proc/cmdline" /proc/cmdline &&'
        'mount --bind "$0/sys/module" /sys/module || exit 1\n'
        'root=$0; at=0; for name; do modprobe -d "$root" -S ' + RELEASE + " "
        + "".join(f'-C "$root/{one}" ' for one in DIRECTORIES)
        + f'{options} -- "$name" >"$root/$at.out" 2>/dev/null; at=$((at + 1)); done'
    )  # fmt: skip
    command = [*NAMESPACE, "sh", "-c", script, str(root), *asked]
    subprocess.run(command, check=True)
    for at in range(len(asked)):
        text = (root / f"{at}.out").read_bytes().decode("utf-8", "surrogateescape")
        yield [one.rstrip(" ") for one in text.split("\n") if one.strip(" ")]


def host_below(root: Path) -> Host:
    """Return the captured host at a directory."""
    return Host.below(str(root))


@settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(case=cases)
def test_our_reading_takes_the_steps_of_the_real_program(case: Case) -> None:
    """Each name leads to the same steps, with and without the loaded modules."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(os.path.realpath(name))
        build(case, root)
        assert_equal_steps(case, root)


@pytest.mark.parametrize(("text", "module", "_"), LINES)
def test_lines_of_people_lead_to_the_steps_of_the_real_program(
    text: str, module: str, _: str, tmp_path: Path
) -> None:
    """The table of lines holds for the installed kmod."""
    files = {"etc/modprobe.d/a.conf": text}
    case = Case(KNOWN_MODULES, files, {}, "quiet\n", {}, [module])
    build(case, tmp_path)
    assert_equal_steps(case, tmp_path)


@pytest.mark.parametrize(("text", "module", "_"), COMMAND_LINES)
def test_command_lines_lead_to_the_steps_of_the_real_program(
    text: str, module: str, _: str, tmp_path: Path
) -> None:
    """Names are compared as they are written."""
    case = Case(KNOWN_MODULES, {}, {}, f"{text}\n", {}, [module])
    build(case, tmp_path)
    assert_equal_steps(case, tmp_path)


def assert_equal_steps(case: Case, root: Path) -> None:
    """Compare the steps for each name, with and without the loaded modules."""
    modprobe = modprobe_of(host_below(root))
    for options, ignore_loaded in (("-n -v -b", False), ("-D -b", True)):
        real = list(real_answers(root, case.asked, options))
        ours = [
            [
                step.output
                for target in modprobe.load(one, ignore_loaded=ignore_loaded)
                for step in target.steps
                if step.output
            ]
            for one in case.asked
        ]
        assert ours == real
