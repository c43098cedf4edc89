"""Statements of modprobe.d files, and which files take effect."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from resolver.inspect.modprobe_d import ENDING, Statement, statements
from resolver.inspect.module_policy import module_options
from resolver.inspect.overlay import visible_files


def read(text: str) -> list[Statement]:
    """Return the statements of one file."""
    return list(statements([("/a.conf", text.encode())]))


def test_statement_has_words_file_and_line() -> None:
    """Blanks do not matter; comments and empty lines are no statements."""
    (one,) = read("# comment\n\n  blacklist\tmlx5-vfio-pci \n")
    assert one == Statement("blacklist", ("mlx5-vfio-pci",), "/a.conf", 3)
    assert one.text == "blacklist mlx5-vfio-pci"
    assert one.where == "/a.conf line 3"


def test_backslash_continues_a_line() -> None:
    """The statement has the number of its first line; a comment continues, too."""
    found = read("options a \\\n b=1 \\\n c=2\n# no \\\nblacklist x\nblacklist y\n")
    assert [(one.text, one.line) for one in found] == [
        ("options a b=1 c=2", 1),
        ("blacklist y", 6),
    ]


def test_file_hides_files_of_the_same_name() -> None:
    """The first directory wins; names, not directories, give the order."""
    tree = {"/etc": ["b.conf", "c.txt"], "/lib": ["a.conf", "b.conf"], "/run": []}
    found = visible_files(["/etc", "/run", "/lib"], tree.__getitem__, ENDING)
    assert found == ("/lib/a.conf", "/etc/b.conf")


@given(st.binary())
def test_any_content_is_read(data: bytes) -> None:
    """No content raises an error."""
    found = statements([("/x", data)])
    module_options(found, data.decode("latin-1").split())
