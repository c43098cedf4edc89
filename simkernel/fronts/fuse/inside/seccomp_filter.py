"""The seccomp filter that traps system calls.

The init process handles the calls, apart from file operations, that tell programs about
the kernel. The filter only decides by numbers; ``trapped_calls.py`` has the handlers.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from errno import EINVAL, ENOSYS
from typing import Final

from simkernel.fronts.fuse.inside import syscalls

__all__ = ["CALLS", "UEVENT_PROTOCOL", "trap_system_calls"]

_X86_64: Final = 0xC000003E
_I386: Final = 0x40000003
_AARCH64: Final = 0xC00000B7
"""Architectures (include/uapi/linux/audit.h)."""

CALLS: Final[Mapping[int, Mapping[int, str]]] = {
    _X86_64: {
        41: "socket",
        63: "uname",
        137: "statfs",
        138: "fstatfs",
        175: "init_module",
        176: "delete_module",
        313: "finit_module",
    },
    _I386: {
        122: "uname",
        128: "init_module",
        129: "delete_module",
        350: "finit_module",
        359: "socket",
    },
    _AARCH64: {
        43: "statfs",
        44: "fstatfs",
        105: "init_module",
        106: "delete_module",
        160: "uname",
        198: "socket",
        273: "finit_module",
    },
}
"""Names of the trapped calls by architecture and number."""

AF_NETLINK: Final = 16
UEVENT_PROTOCOL: Final = 15
"""The filter traps uevent sockets only (include/uapi/linux/netlink.h)."""

_SECCOMP: Final = {"x86_64": 317, "aarch64": 277}
"""Number of ``seccomp(2)`` by machine."""
_FIRST_X32_CALL: Final = 0x40000000

_SET_FILTER: Final = 1
_NEW_LISTENER: Final = 1 << 3
_WAIT_KILLABLE: Final = 1 << 5
"""Signals cannot interrupt a call while it is handled (Linux 5.19+)."""

_LOAD, _IF_EQUAL, _IF_NOT_LESS, _RETURN = 0x20, 0x15, 0x35, 0x06
"""BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_JMP|JGE|K, BPF_RET|K (linux/bpf_common.h)."""
_ALLOW, _NOTIFY, _ERRNO = 0x7FFF0000, 0x7FC00000, 0x00050000
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4
_ARGUMENT_AT: Final = (16, 24, 32)
"""Offsets in ``struct seccomp_data``; the low half of an argument comes first."""


def trap_system_calls() -> int:
    """Trap this process's calls; return the listener's descriptor.

    Executed programs and child processes inherit the filter.

    :raises OSError: the kernel does not allow it.
    """
    filter_ = _filter()
    code = ctypes.create_string_buffer(filter_, len(filter_))
    pointer = struct.pack("@HxxxxxxP", len(filter_) // 8, ctypes.addressof(code))
    program = ctypes.create_string_buffer(pointer, len(pointer))
    number = _SECCOMP.get(os.uname().machine)
    if number is None:
        raise OSError(ENOSYS, f"unsupported machine {os.uname().machine}")
    pointer_address = ctypes.c_void_p(ctypes.addressof(program))
    try:
        flags = _NEW_LISTENER | _WAIT_KILLABLE
        return syscalls.system_call(number, _SET_FILTER, flags, pointer_address)
    except OSError as error:
        if error.errno != EINVAL:
            raise
        return syscalls.system_call(number, _SET_FILTER, _NEW_LISTENER, pointer_address)


def _filter() -> bytes:
    """Return the BPF program, a block for each architecture."""
    program = [_instruction(_LOAD, _ARCHITECTURE_AT)]
    for architecture, calls in CALLS.items():
        block = list(_block(architecture, calls))
        program.append(_instruction(_IF_EQUAL, architecture, otherwise=len(block)))
        program += block
    program.append(_instruction(_RETURN, _ERRNO | ENOSYS))
    return b"".join(program)


def _block(architecture: int, calls: Mapping[int, str]) -> Iterator[bytes]:
    """Yield the instructions for the calls of one architecture."""
    yield _instruction(_LOAD, _NUMBER_AT)
    if architecture == _X86_64:
        yield _instruction(_IF_NOT_LESS, _FIRST_X32_CALL, otherwise=1)
        yield _instruction(_RETURN, _ERRNO | ENOSYS)
    for number, name in calls.items():
        decision = _trap_uevent_sockets() if name == "socket" else [_return(_NOTIFY)]
        yield _instruction(_IF_EQUAL, number, otherwise=len(decision))
        yield from decision
    yield _return(_ALLOW)


def _trap_uevent_sockets() -> Sequence[bytes]:
    """Return instructions that trap uevent sockets only."""
    return (
        _instruction(_LOAD, _ARGUMENT_AT[0]),
        _instruction(_IF_EQUAL, AF_NETLINK, otherwise=3),
        _instruction(_LOAD, _ARGUMENT_AT[2]),
        _instruction(_IF_EQUAL, UEVENT_PROTOCOL, otherwise=1),
        _return(_NOTIFY),
        _return(_ALLOW),
    )


def _return(decision: int) -> bytes:
    return _instruction(_RETURN, decision)


def _instruction(code: int, value: int, *, otherwise: int = 0) -> bytes:
    """Return one ``struct sock_filter``.

    :param otherwise: instructions to skip if the condition is false.
    """
    return struct.pack("=HBBI", code, 0, otherwise, value)
