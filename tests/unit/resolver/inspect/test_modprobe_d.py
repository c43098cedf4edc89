"""Statements of modprobe.d files, and which files take effect."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from resolver.inspect.modprobe import Modprobe
from resolver.inspect.modprobe_d import (
    ENDINGS,
    Statement,
    is_configuration,
    softdep_lists,
    statements,
)
from resolver.inspect.module_policy import command_line_statements, module_options
from resolver.inspect.module_tree import ModuleTree
from resolver.inspect.overlay import visible_files


def read(text: str) -> list[Statement]:
    """Return the statements of one file."""
    return list(statements([("/a.conf", text.encode())]))


def test_statement_has_words_file_and_line() -> None:
    """Blanks do not matter; comments and empty lines are no statements."""
    (one,) = read("# comment\n\n  blacklist\tmlx5-vfio-pci \n")
    text = "blacklist mlx5-vfio-pci"
    assert one == Statement("blacklist", "mlx5_vfio_pci", "", "/a.conf", 3, text)
    assert one.where == "/a.conf line 3"


def test_backslash_continues_a_line() -> None:
    """The statement has the number of its first line; a comment continues, too."""
    found = read("options a \\\n b=1 \\\n c=2\n# no \\\nblacklist x\nblacklist y\n")
    assert [(one.text, one.line) for one in found] == [
        ("options a b=1 c=2", 1),
        ("blacklist y", 6),
    ]


def test_only_space_and_tab_are_blanks() -> None:
    """Other blanks belong to the name, which then is no module's."""
    found = read("blacklist a\r\nblacklist b\u00a0\nblacklist c\f\nblacklist\u00a0d\n")
    assert [one.name for one in found] == ["a\r", "b\u00a0", "c\f"]


def test_a_statement_without_its_argument_is_ignored() -> None:
    """A keyword without name, an ``install`` without command, a bad bracket."""
    assert not read("blacklist\ninstall a\ninstall a \nalias a\nsoftdep a\nalias a[ b")


def test_soft_dependencies_have_two_lists() -> None:
    """Words before the first keyword count for nothing."""
    assert softdep_lists("x pre: a b post: c") == (("a", "b"), ("c",))
    assert softdep_lists(" pre: a") == ((), ())


def test_file_hides_files_of_the_same_name() -> None:
    """The first directory wins; names, not directories, give the order."""
    tree = {"/etc": ["b.conf", "c.txt"], "/lib": ["a.alias", "b.conf"], "/run": []}
    found = visible_files(["/etc", "/run", "/lib"], tree.__getitem__, ENDINGS)
    assert found == ("/lib/a.alias", "/etc/b.conf")


def test_hidden_files_are_not_read() -> None:
    """An editor's lock file is no configuration."""
    names = ["a.conf", "a.alias", ".#a.conf", ".conf", "a.conf~"]
    assert [name for name in names if is_configuration(name)] == names[:2]


words = st.sampled_from(
    [b"install ", b"alias ", b"softdep ", b"blacklist ", b"options ", b"a ", b"b", b"*",
     b" pre: ", b"\n", b"\\", b"a*[", b"]", b"\xff", b"\0", b"kernel/a.ko: ", b"a.ko "]
)  # fmt: skip
contents = st.one_of(st.binary(), st.lists(words).map(b"".join))


@given(content=contents, lists=contents, name=st.sampled_from(["a", "b", "a*[", "]"]))
def test_any_content_is_read(content: bytes, lists: bytes, name: str) -> None:
    """No content raises an error."""
    configuration = [*statements([("/x", content)]), *command_line_statements(lists)]
    module_options(configuration)
    tree = ModuleTree(lambda _: lists)
    Modprobe(configuration, tree, "/m", lambda _: False).load(name)


def test_a_long_chain_of_soft_dependencies_has_an_end() -> None:
    """A chain and a circle of names are followed once."""
    names = [f"m{number}" for number in range(1200)]
    lines = [f"softdep {a} pre: {b}" for a, b in pairwise(names)]
    configuration = read("\n".join([*lines, f"softdep {names[-1]} pre: m0"]))
    lists = {"modules.dep": "".join(f"{one}.ko:\n" for one in names).encode()}
    tree = ModuleTree(lists.get)
    (target,) = Modprobe(configuration, tree, "/m", lambda _: False).load("m0")
    assert [step.module for step in target.steps] == names[::-1]
