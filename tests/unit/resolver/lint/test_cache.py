"""The cache of module files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.lint.cache import packed, unpacked
from resolver.lint.module import Alias, Binary, Module, TableEntry
from resolver.linux.module_files import FileStatus

texts = st.text(max_size=20)

modules = st.builds(
    Module,
    path=st.just("m.ko"),
    name=texts,
    form=st.just("ko"),
    aliases=st.lists(st.builds(Alias, texts)).map(tuple),
    depends=st.lists(texts).map(tuple),
    softdeps=st.lists(texts).map(tuple),
    license=texts,
    vermagic=texts,
    is_signed=st.booleans(),
    binary=st.none()
    | st.builds(
        Binary,
        st.lists(texts).map(tuple),
        st.lists(st.builds(TableEntry, texts, texts)).map(tuple),
        st.frozensets(texts),
    ),
)


@given(one=modules)
def test_what_is_kept_is_found_again(one: Module) -> None:
    """All of it; and nothing once size or time of the file are others."""
    status = FileStatus("m.ko", 10, 20)
    data = packed([(status, one)])

    assert unpacked(data, [status]) == {status: one}
    for other in (FileStatus("m.ko", 11, 20), FileStatus("m.ko", 10, 21)):
        assert unpacked(data, [other]) == {}


@pytest.mark.parametrize(
    "data",
    [
        *(None, b"", b"garbage", b"[]", b"{}", b'{"version": 0, "files": {}}'),
        b'{"version": 1, "files": {"m.ko": [10, 20, ["m", 1]]}}',
        b'{"version": 1, "files": {"m.ko": 1}}',
        b'{"version": 1, "files": []}',
        b"\xff\xfe",
    ],
)
def test_what_is_kept_may_be_broken(data: bytes | None) -> None:
    """Then it is as if nothing had been."""
    assert unpacked(data, [FileStatus("m.ko", 10, 20)]) == {}
