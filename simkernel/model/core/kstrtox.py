"""Numbers in text, as the kernel parses them (lib/kstrtox.c).

Each function takes the bytes of a write. The kernel adds a NUL and parses up to the
first one.
"""

from __future__ import annotations

from errno import EINVAL, ERANGE

from simkernel.errors import KernelRefusal

__all__ = ["c_string", "kstrtobool", "kstrtoint", "kstrtouint"]


def c_string(data: bytes) -> bytes:
    """Return the bytes before the first NUL."""
    return data.partition(b"\0")[0]


def _magnitude(digits: bytes) -> int | None:
    """Return the value of ``digits`` in base 0; None: not a number."""
    lowered = digits.lower()
    base, body = 10, lowered
    if lowered[:2] == b"0x":
        base, body = 16, lowered[2:]
    elif lowered[:1] == b"0":
        base = 8
    alphabet = b"0123456789abcdef"[:base]
    if not body or body.strip(alphabet):
        return None
    return int(body, base)


def kstrtouint(data: bytes, *, bits: int, rule: str = "R-TEXT-1") -> int:
    """Return an unsigned number of at most ``bits`` bits.

    One trailing newline and a leading ``+`` are valid; blanks and ``-`` are not.

    :raises KernelRefusal: EINVAL, not a number; ERANGE, it does not fit.

    Source: lib/kstrtox.c kstrtoull(). Rule: R-TEXT-1.
    """
    text = c_string(data).removesuffix(b"\n").removeprefix(b"+")
    value = _magnitude(text)
    if value is None:
        raise KernelRefusal(EINVAL, rule)
    if value >= 1 << bits:
        raise KernelRefusal(ERANGE, rule)
    return value


def kstrtoint(data: bytes, *, bits: int = 32, rule: str = "R-TEXT-1") -> int:
    """Return a signed number of ``bits`` bits; a leading ``-`` is valid.

    :raises KernelRefusal: EINVAL, not a number; ERANGE, it does not fit.

    Source: lib/kstrtox.c kstrtoll(). Rule: R-TEXT-1.
    """
    if not data.startswith(b"-"):
        return kstrtouint(data, bits=bits - 1, rule=rule)
    value = _magnitude(c_string(data[1:]).removesuffix(b"\n"))
    if value is None:
        raise KernelRefusal(EINVAL, rule)
    if value > 1 << (bits - 1):
        raise KernelRefusal(ERANGE, rule)
    return -value


def kstrtobool(data: bytes, *, takes_true: bool = True, rule: str = "R-TEXT-2") -> bool:
    """Return the boolean that the first one or two characters spell.

    ``y Y t T 1 on`` are true, ``n N f F 0 of`` false; the kernel ignores the rest.

    :param takes_true: ``t T f F`` are valid; old kernels refuse them.
    :raises KernelRefusal: EINVAL, anything else.

    Source: lib/kstrtox.c kstrtobool(). Rule: R-TEXT-2.
    """
    first, pair = data[:1], data[:2].lower()
    if not takes_true and first.lower() in (b"t", b"f"):
        raise KernelRefusal(EINVAL, rule)
    if first in (b"y", b"Y", b"t", b"T", b"1") or pair == b"on":
        return True
    if first in (b"n", b"N", b"f", b"F", b"0") or pair == b"of":
        return False
    raise KernelRefusal(EINVAL, rule)
