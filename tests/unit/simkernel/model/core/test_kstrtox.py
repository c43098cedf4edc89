"""Numbers and booleans in the text of a write."""

from __future__ import annotations

from errno import EINVAL, ERANGE

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simkernel.model.core.kstrtox import c_string, kstrtobool, kstrtoint, kstrtouint
from tests.bench import refusal_of

TRUE = (b"y", b"Y", b"t", b"T", b"1", b"on", b"oN", b"On", b"ON", b"yes", b"only")
FALSE = (b"n", b"N", b"f", b"F", b"0", b"of", b"oF", b"Of", b"OF", b"no", b"office")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"0", 0),
        (b"7", 7),
        (b"+7\n", 7),
        (b"255", 255),
        (b"0x10", 16),
        (b"0XfF", 255),
        (b"010", 8),
        (b"0019", None),
        (b"7\0trailing", 7),
        (b"7\n\0trailing", 7),
        (b"", None),
        (b"\n", None),
        (b"0x", None),
        (b"0xg", None),
        (b"x10", None),
        (b"a", None),
        (b"09", None),
        (b"-1", None),
        (b"++1", None),
        (b" 1", None),
        (b"1 ", None),
        (b"1\n\n", None),
        (b"1x", None),
    ],
)
def test_unsigned_number(data: bytes, expected: int | None) -> None:
    """Base 0: 0x is hexadecimal, a leading 0 octal; one newline may end it."""
    if expected is None:
        assert refusal_of(lambda: kstrtouint(data, bits=8)) == (EINVAL, "R-TEXT-1")
        assert refusal_of(lambda: kstrtouint(data, bits=8, rule="R")) == (EINVAL, "R")
    else:
        assert expected == kstrtouint(data, bits=8)
        assert expected == kstrtoint(data)


@given(st.integers(-(2**9), 2**9), st.integers(2, 9))
def test_number_fits_its_bits(number: int, bits: int) -> None:
    """ERANGE beyond the bits; a signed number has one bit less for its value."""
    text = str(number).encode()

    if -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
        assert number == kstrtoint(text, bits=bits)
    else:
        refusal = refusal_of(lambda: kstrtoint(text, bits=bits))
        assert refusal == (ERANGE, "R-TEXT-1")
    if 0 <= number < 2**bits:
        assert number == kstrtouint(text, bits=bits)
    elif number >= 0:
        refusal = refusal_of(lambda: kstrtouint(text, bits=bits))
        assert refusal == (ERANGE, "R-TEXT-1")


@pytest.mark.parametrize("number", [2**31 - 1, -(2**31), -1])
def test_signed_number_has_32_bits(number: int) -> None:
    """This is ``kstrtoint()``; the first number that does not fit is ERANGE."""
    assert number == kstrtoint(f"{number}\n\0".encode())
    assert refusal_of(lambda: kstrtoint(b"2147483648", rule="R")) == (ERANGE, "R")
    assert refusal_of(lambda: kstrtoint(b"-2147483649", rule="R")) == (ERANGE, "R")


@pytest.mark.parametrize("data", [b"-", b"--1", b"-+1", b"- 1", b"x", b"-x"])
def test_signed_text_without_number_is_einval(data: bytes) -> None:
    """A sign alone is no number."""
    assert refusal_of(lambda: kstrtoint(data)) == (EINVAL, "R-TEXT-1")
    assert refusal_of(lambda: kstrtoint(data, rule="R")) == (EINVAL, "R")


@pytest.mark.parametrize("data", [*TRUE, *FALSE])
def test_boolean(data: bytes) -> None:
    """One character decides, or two after an ``o``."""
    expected = data in TRUE

    assert expected is kstrtobool(data)
    assert expected is kstrtobool(data + b"\n")
    if data[:1].lower() in (b"t", b"f"):
        old = refusal_of(lambda: kstrtobool(data, takes_true=False, rule="R"))
        assert old == (EINVAL, "R")
    else:
        assert expected is kstrtobool(data, takes_true=False)


@pytest.mark.parametrize("data", [b"", b"\n", b"o", b"ox", b"2", b"x", b" 1", b"-1"])
def test_other_text_is_no_boolean(data: bytes) -> None:
    """EINVAL, by the rule of the attribute."""
    assert refusal_of(lambda: kstrtobool(data)) == (EINVAL, "R-TEXT-2")
    assert refusal_of(lambda: kstrtobool(data, rule="R")) == (EINVAL, "R")


def test_text_ends_at_the_first_nul() -> None:
    """The kernel's strings end there."""
    assert [c_string(one) for one in (b"", b"a", b"a\0b\0c", b"\0a")] == [
        b"",
        b"a",
        b"a",
        b"",
    ]
