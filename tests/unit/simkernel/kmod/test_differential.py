"""The real kmod 30 and ours answer the same on generated trees and configurations."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simkernel.kmod import commands, depmod
from simkernel.kmod.context import Context
from simkernel.kmod.names import normalize_module_name
from simkernel.model.modules.spec import ModuleSpec, ParameterSpec

RELEASE = "6.6.6-zz"
CRASHED = 139
BASE = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
FORCE = "SIMKERNEL_FORCE_KMOD"
MISSING = [tool for tool in ("depmod", "modprobe", "modinfo") if not shutil.which(tool)]

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        bool(MISSING) and not os.environ.get(FORCE),
        reason=f"no {', '.join(MISSING)}: install package kmod; {FORCE}=1 forces it",
    ),
]
differential = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
half = settings(differential, max_examples=(settings().max_examples + 1) // 2)

# Names that no host has loaded; some are prefixes of others.
names = st.sampled_from(
    ["zz", "zz_a", "zz-a-b", "zz_ab", "zza", "zz_a1", "ZZ_a", "zz-b_c", "zz_pci",
     "zz-vfio-pci", "zz_vfio", "zzvfio_pci", "zz_q"]
)  # fmt: skip
words = st.text("zab_-", min_size=1, max_size=4)
patterns = st.one_of(
    st.builds(
        "{}:v{}d{}".format,
        st.sampled_from(["pci", "vfio_pci", "fsl-mc", "zz"]),
        st.sampled_from(
            ["0001", "0002", "*", "000?", "000[12]", "000[!1]", "00[0-9]*"]
        ),
        st.sampled_from(["A", "B", "*", "[A-B]", "?", "a-b*"]),
    ),
    st.text("ab-_:*?[]!^.\\z ", min_size=1, max_size=8),
    st.sampled_from(
        ["[[:digit:]]a", "a[]b]c", "[a-]", "[^a]b", "char-major-10-7", "devname:zz/q",
         "block-major-8-*", "symbol:zz_a_interface", "a[b\\]c]d", "symbol:zz*"]
    ),
)  # fmt: skip
build_files = st.sampled_from(
    ["modules.order", "modules.builtin", "modules.builtin.modinfo"]
)
softdeps = st.one_of(
    st.builds("pre: {} post: {}".format, names, names),
    st.builds("{}pre:{}{}{}".format, st.sampled_from(["", " ", "  ", "\t", "x "]),
              st.sampled_from([" ", "  ", "\t ", ""]), names,
              st.sampled_from(["", " ", "  ", " post:", " post: zz_a ",
                               "  post: zz\tzz_q"])),
)  # fmt: skip


@st.composite
def module_trees(draw: st.DrawFn) -> list[ModuleSpec]:
    """Modules of one kernel, each depending on earlier ones only."""
    chosen = draw(
        st.lists(names, min_size=3, max_size=9, unique_by=normalize_module_name)
    )
    specs: list[ModuleSpec] = []
    for file_name in chosen:
        folder = draw(st.sampled_from(["kernel/a", "kernel/b/c", "updates", "extra"]))
        builtin = draw(st.integers(0, 4)) == 0
        known = [spec.name for spec in specs]
        parameters = draw(st.lists(st.sampled_from("xyz"), max_size=2, unique=True))
        specs.append(
            ModuleSpec(
                name=normalize_module_name(file_name),
                path=f"{'kernel/d' if builtin else folder}/{file_name}.ko",
                builtin=builtin,
                aliases=tuple(draw(st.lists(patterns, max_size=5))),
                depends=tuple(
                    draw(st.lists(st.sampled_from(known), max_size=3, unique=True))
                    if known
                    else []
                ),
                softdeps=tuple(draw(st.lists(softdeps, max_size=1))),
                parameters=tuple(
                    ParameterSpec(
                        name=name, description=draw(st.sampled_from(["", "what: it"]))
                    )
                    for name in parameters
                ),
            )
        )
    return draw(st.permutations(specs))


def config_lines(known: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Lines of modprobe.d about the modules and aliases that are known."""
    targets = st.one_of(known, known, words, patterns)
    return st.one_of(
        st.builds("alias {} {}".format, patterns, known),
        st.builds("alias {}\t{}".format, known, known),
        st.builds("blacklist {}".format, known),
        st.builds("options {} a=1 b=\tc".format, targets),
        st.builds("install {} /bin/true $CMDLINE_OPTS".format, targets),
        st.builds("remove {} /bin/false".format, targets),
        st.builds("softdep {} {}".format, targets, softdeps),
        st.builds("softdep {} pre: {} post: {}".format, known, known, known),
        st.builds("install {} /sbin/modprobe -i {}".format, known, known),
        odd_lines,
    )


odd_lines = st.sampled_from(
    ["", " ", "# comment", "  # no comment", "bogus x", "alias one", "blacklist",
     "options zz", "options zz ", "install zz", "include /etc/x", "config y",
     "Blacklist zz", "softdep zz", "\tblacklist\tzz_a ", "alias a b c d",
     "options zz_a \\\n x=1", "blacklist zz_\\\na", "options zz x=\\n\\\\",
     "blacklist a[b", "alias a]b zz", "blacklist zz_a\r", "remove zz_a"]
)  # fmt: skip
config_names = st.sampled_from(
    ["1/a.conf", "1/b.conf", "2/a.conf", "2/c.alias", "2/zz.conf", "2/x.txt",
     "1/.h.conf", "2/.conf", "2/modules.softdep.conf", "1/d.conf/x.conf"]
)  # fmt: skip


def config_files(known: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str]]:
    """Files below two directories, by path."""
    texts = st.builds(
        "{}{}".format,
        st.lists(config_lines(known), max_size=6).map("\n".join),
        st.sampled_from(["\n", "\n", "", "\\", "\\\n"]),
    )
    return st.dictionaries(config_names, texts, max_size=4)


modprobe_options = st.sampled_from(
    [["-R"], ["-n", "-v"], ["-D"], ["-nvb"], ["-nvi"], ["-Db"], ["-n", "--first-time"],
     ["-r", "-n", "-v"], ["-rn", "--first-time"], ["-q", "-R"], ["-aR"], ["-anv"],
     ["--resolve"], ["--show-depends"], ["-nv", "-i", "-b"], ["-Dq"], ["-ran", "-v"],
     ["--dry-run", "--verbose"], ["-qvn"], ["-vq", "-R"],
     ["--rem", "-n", "-v"], ["-s", "-R"]]
)  # fmt: skip
modinfo_options = st.sampled_from(
    [[], ["-F", "alias"], ["-p"], ["-0"], ["-n"], ["-m"], ["-Fname"],
     ["--field=depends"], ["-l"], ["-F", "parmtype"], ["-0p"], ["-m", "-n"]]
)  # fmt: skip
usage_errors = st.sampled_from(
    [["modprobe", "--bogus"], ["modprobe", "-Z"], ["modprobe"], ["modprobe", "-C"],
     ["modprobe", "--config"], ["modprobe", "--show"], ["modprobe", "--s", "zz"],
     ["modprobe", "--all=1"], ["modprobe", "-w", "x", "zz"], ["modprobe", "-V"],
     ["modprobe", "--re", "zz"], ["modprobe", "-q"], ["modprobe", "--ver"],
     ["modinfo"], ["modinfo", "-F"], ["modinfo", "--nu"], ["modinfo", "-V"],
     ["rmmod"], ["rmmod", "-x"], ["rmmod", "-w", "zz"],
     ["insmod"], ["insmod", "-"], ["insmod", "/nonexistent.ko"], ["insmod", "-V"],
     ["lsmod", "x"], ["rmmod", "zz_none", "zz-none2"], ["modprobe", "-Rn", "--", "-x"]]
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A tree, a configuration and questions about them."""

    specs: list[ModuleSpec]
    config: dict[str, str]
    asked: list[list[str]]
    """Commands without the options that name the tree; KO stands for a path."""
    environment: dict[str, str]
    """Variables, beside those that every process has."""


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A case whose configuration and questions are about its modules, mostly."""
    specs = draw(module_trees())
    file_names = [spec.path.rpartition("/")[2].removesuffix(".ko") for spec in specs]
    aliases = [alias for spec in specs for alias in spec.aliases]
    known = st.sampled_from([*file_names, *(spec.name for spec in specs)])
    concrete = st.sampled_from([instance(each) for each in aliases] or ["zz"])
    queried = st.one_of(known, known, concrete, concrete, names, words, patterns, odd)
    asked: list[list[str]] = [["modprobe", "-c"], ["modinfo", "KO"]]
    for _ in range(draw(st.integers(4, 12))):
        operands = draw(st.lists(queried, min_size=1, max_size=2))
        asked.append(["modprobe", *draw(modprobe_options), "--", *operands])
    for _ in range(draw(st.integers(1, 4))):
        asked.append(["modinfo", *draw(modinfo_options), "--", draw(queried)])
    asked.append(draw(usage_errors))
    return Case(specs, draw(config_files(known)), asked, draw(environments))


# Not -v: given twice, it adds messages with addresses of the process.
environments = st.sampled_from(
    [{}, {}, {}, {"MODPROBE_OPTIONS": "-q"}, {"MODPROBE_OPTIONS": "-b  -i"},
     {"MODPROBE_OPTIONS": "'-n' -i"}, {"MODPROBE_OPTIONS": "-i '-b'"},
     {"MODPROBE_OPTIONS": '-"i" --use"-blacklist"'}]
)  # fmt: skip


def instance(pattern: str) -> str:
    """Return a text that most likely matches a pattern."""
    return re.sub(r"\[!?(.)[^]]*\]", r"\1", pattern).replace("*", "").replace("?", "1")


odd = st.sampled_from(
    ["symbol:zz_a_interface", "", "zz.ko", "a b", "ab", "aab", "zz_a.x", "a[b", "a]"]
)


class HostFiles:
    """The host's own file system."""

    def read(self, path: str) -> bytes:
        """Return the content of a file."""
        return Path(path).read_bytes()

    def listdir(self, path: str) -> list[str]:
        """Return the names in a directory, in the order of readdir(3)."""
        return os.listdir(path)

    def exists(self, path: str) -> bool:
        """Tell whether stat(2) succeeds."""
        return os.path.exists(path)

    def write(self, path: str, content: bytes) -> None:
        """Create or replace a file."""
        Path(path).write_bytes(content)


class NoSyscalls:
    """System calls that no dry run may make."""

    def init_module(self, image: bytes, parameters: str) -> None:
        """Fail the test."""
        raise AssertionError(f"loads a module with {parameters!r}")

    def delete_module(self, name: str, *, force: bool) -> None:
        """Fail the test."""
        raise AssertionError(f"unloads {name} (force {force})")


@dataclass(frozen=True)
class Answer:
    """What a command gave back; an address in a message is blanked out.

    Of a crash only the fact is kept: how much comes before it depends on the stack.
    """

    command: str
    returncode: int
    stdout: str
    stderr: str


def answer(command: Sequence[str], returncode: int, out: bytes, err: bytes) -> Answer:
    """Return the answer in a form that can be compared."""
    if returncode == CRASHED:
        return Answer(" ".join(command), returncode, "", "")
    stderr = re.sub(r"ctx=0x[0-9a-f]+", "ctx=0x", err.decode("utf-8", "replace"))
    return Answer(" ".join(command), returncode, out.decode("utf-8", "replace"), stderr)


def real_answers(
    directory: Path, asked: Sequence[Sequence[str]], environment: Mapping[str, str]
) -> Iterator[Answer]:
    """Run the real commands, all of them from one shell."""
    lines = [
        f"{shlex.join(command)} >{at}.out 2>{at}.err </dev/null; echo $? >{at}.rc"
        for at, command in enumerate(asked)
    ]
    script = "\n".join(lines)
    subprocess.run(
        ["sh", "-c", script], cwd=directory, env={**BASE, **environment}, check=True
    )
    for at, command in enumerate(asked):
        yield answer(
            command,
            int((directory / f"{at}.rc").read_text()),
            (directory / f"{at}.out").read_bytes(),
            (directory / f"{at}.err").read_bytes(),
        )


def our_answer(command: Sequence[str], environment: Mapping[str, str]) -> Answer:
    """Run one of our commands on the host's files."""
    context = Context(
        files=HostFiles(),
        syscalls=NoSyscalls(),
        release=os.uname().release,
        environment={**BASE, **environment},
    )
    result = commands.run(command, context)
    return answer(command, result.returncode, result.stdout, result.stderr)


def write_files(directory: Path, files: Mapping[str, bytes]) -> None:
    """Write files, and the directories above them."""
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def install(root: Path, tree: Mapping[str, bytes], lost: Collection[str] = ()) -> bytes:
    """Write what a kernel's build makes of a tree and run the real depmod on it."""
    build = {"modules.order", "modules.builtin", "modules.builtin.modinfo"} - set(lost)
    directory = root / "lib/modules" / RELEASE
    wanted = [name for name in tree if name in build or not name.startswith("modules.")]
    directory.mkdir(parents=True)
    write_files(directory, {name: tree[name] for name in wanted})
    command = ["depmod", "-b", str(root), RELEASE]
    return subprocess.run(command, check=True, capture_output=True).stderr


@half
@given(specs=module_trees(), compress=st.booleans(), lost=st.sets(build_files))
def test_depmod_writes_the_same_bytes(
    specs: list[ModuleSpec], compress: bool, lost: set[str]
) -> None:
    """Files and messages of the real depmod equal ours, from values and from files."""
    tree = depmod.generate(specs, RELEASE, compress=compress)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        messages = install(root, tree, lost)
        real = files_below(root / "lib/modules" / RELEASE)
        context = Context(files=HostFiles(), syscalls=NoSyscalls(), release="")
        result = commands.run(["depmod", "-b", name, RELEASE], context)
        again = files_below(root / "lib/modules" / RELEASE)

    assert (result.returncode, result.stderr) == (0, messages)
    assert again == real
    assert lost or dict(tree) == real


def files_below(directory: Path) -> dict[str, bytes]:
    """Return the content of every file, by its path below a directory."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


@differential
@given(case=cases())
def test_commands_answer_the_same(case: Case) -> None:
    """Output, messages and exit codes equal those of the real commands."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        tree = depmod.generate(case.specs, RELEASE)
        install(root, tree)
        for folder in ("etc/1", "etc/2", "work"):
            (root / folder).mkdir(parents=True)
        config = {path: text.encode() for path, text in case.config.items()}
        write_files(root / "etc", config)
        shortest = min(tree, key=len)
        located = [located_command(each, root, shortest) for each in case.asked]
        real = list(real_answers(root / "work", located, case.environment))
        ours = [our_answer(command, case.environment) for command in located]

        assert ours == real


def located_command(command: list[str], root: Path, shortest: str) -> list[str]:
    """Return a command with the options that make it look at the tree below root."""
    tool, *arguments = command
    if "KO" in arguments:
        return [tool, str(root / "lib/modules" / RELEASE / shortest)]
    if tool == "modprobe":
        tree = ["-d", str(root), "-S", RELEASE]
        return [tool, *tree, f"-C{root}/etc/1", "-C", f"{root}/etc/2", *arguments]
    if tool == "modinfo":
        return [tool, "-b", str(root), "-k", RELEASE, *arguments]
    return command


# Not -v, which the outer command may hand on: twice, it adds messages with addresses.
script_parts = st.sampled_from(
    ["true", "/bin/false", "exit 7", "echo $CMDLINE_OPTS", "echo $MODPROBE_MODULE",
     'echo "a  $CMDLINE_OPTS"', "zz_nosuch", "modprobe -n zz_none", "modprobe -V",
     "/sbin/modprobe -q -R zz_none", "echo $MODPROBE_OPTIONS", "rmmod zz_none",
     "lsmod x"]
)  # fmt: skip


@half
@given(
    parts=st.lists(script_parts, min_size=1, max_size=4),
    joiner=st.sampled_from(["; ", " && ", " || "]),
    options=st.sampled_from([[], ["-v"], ["-q"], ["-n"], ["-a"], ["--first-time"]]),
    parameters=st.lists(st.sampled_from(["a=1", "b=x y", "c", "d='q r'", "=", ""])),
)
def test_install_and_remove_commands_do_the_same(
    parts: list[str], joiner: str, options: list[str], parameters: list[str]
) -> None:
    """Scripts of install and remove lines run with the same words, status and output.

    No module has a file, so that neither can load one.
    """
    script = joiner.join(parts)
    lines = ["options zz_a o=1\t2", f"install zz_a {script}", f"remove zz-b {script}"]
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for folder in ("etc/1", "etc/2", "work"):
            (root / folder).mkdir(parents=True)
        (root / "etc/1/a.conf").write_text("\n".join(lines))
        asked = [["modprobe", *options, "zz-a", *parameters]]
        asked.append(["modprobe", "-r", *options, "zz_b", "zz_a"])
        located = [located_command(each, root, "") for each in asked]
        real = list(real_answers(root / "work", located, {}))
        ours = [our_answer(command, {}) for command in located]

        assert ours == real
