"""Values that programs write: well-formed and malformed ones."""

from __future__ import annotations

__all__ = [
    "BOOLEANS",
    "NUMBERS",
    "OVERRIDES",
    "SETTINGS",
    "UEVENTS",
    "id_values",
    "name_values",
    "override_values",
]

NUMBERS = (
    b"0",
    b"1",
    b"2",
    b"1\n",
    b"0\n",
    b"01",
    b"0x1",
    b"+1",
    b"-1",
    b" 1",
    b"1 ",
    b"1\n\n",
    b"1\0",
    b"1\0x",
    b"x",
    b"\n",
    b"\0",
    b"",
    b"8",
    b"08",
    b"65535",
    b"65536",
    b"4294967296",
    b"18446744073709551615",
    b"18446744073709551616",
    b"-0",
    b"0X1",
    b"0x",
    b"1e0",
    b"\xff",
)
"""Numbers and malformed numbers."""

BOOLEANS = (
    *(b"0", b"1", b"0\n", b"1\n", b"y", b"n", b"Y", b"N", b"t", b"F", b"on", b"off"),
    *(b"oN", b"ofx", b"o", b"true", b" 1", b"2", b"", b"\n", b"\0", b"01", b"-1"),
)
"""Values for :c:func:`kstrtobool`."""

SETTINGS = {
    "enable": NUMBERS,
    "msi_bus": NUMBERS,
    "broken_parity_status": NUMBERS,
    "sriov_drivers_autoprobe": BOOLEANS,
    "power/control": (
        *(b"on", b"auto", b"on\n", b"auto\n", b"off", b"", b" on", b"on ", b"\n"),
        *(b"au", b"auto\n\n", b"on\0", b"ON", b"on\nauto"),
    ),
    "reset": (b"1", b"0", b"2", b"1\n", b"x", b"", b"\n"),
    "reset_method": (
        *(b"flr", b"flr\n", b"bus", b"pm", b"default", b"default\n", b"\n", b""),
        *(b"flr flr", b"flr bus", b"bus flr", b"none", b"FLR", b" flr", b"flr ", b"x"),
    ),
}
"""Settings of a function, with values to write."""

OVERRIDES = (
    *(b"nosuch", b"\n", b"\0", b"(null)", b"", b"\nx", b"\0x", b" ", b"\xff\x01"),
    *(b"x" * 4093 + b"\n", b"x" * 4094, b"x" * 4095, b"x" * 4096, b"x" * 4097),
)
"""Values for ``driver_override`` that name no driver."""

UEVENTS = (
    *(b"add", b"change\n", b"remove", b"bind", b"unbind", b"ADD", b" add", b"add "),
    *(b"", b"\n", b"add\n\n", b"add\0", b"offline", b"move", b"online", b"nonsense"),
    b"add 12345678-1234-1234-1234-123456789abc",
    b"add 12345678-1234-1234-1234-123456789abc A=1 B=2\n",
    b"add 12345678-1234-1234-1234-123456789abc A=",
    b"add 12345678-1234-1234-1234-123456789abc A_B=1",
    b"add 12345678",
)
"""Values for ``uevent`` files."""


def name_values(name: str) -> tuple[bytes, ...]:
    """Return spellings of a device's name, right and wrong."""
    text = name.encode()
    return (
        *(text, text + b"\n", text + b"\0", text + b"\0junk", text + b"\n\0"),
        *(text + b"\n\n", b" " + text, text + b" ", text + b"\r\n", text.upper()),
        *(text[5:], text + b"\n" + text, b"\n" + text, b"*", b"", text * 200),
    )


def override_values(driver: str) -> tuple[bytes, ...]:
    """Return values for ``driver_override`` near a driver's name."""
    text = driver.encode()
    return (
        *(text, text, text, text + b"\n", text + b"\0", text + b"\0x", text + b"\nx"),
        *(text + b"x", text[:-1], text + b" ", b" " + text, text + b"\r\n"),
        *(text.upper(), text.replace(b"_", b"-"), text.replace(b"-", b"_"), b"\n"),
    )


def id_values(vendor_and_device: str) -> tuple[bytes, ...]:
    """Return values for ``new_id`` and ``remove_id`` near one device id."""
    pair = vendor_and_device.encode()
    return (
        *(pair, pair + b"\n", pair.upper(), b"0x" + pair, pair.replace(b" ", b"\t")),
        *(b"  " + pair, pair.split()[0], pair.replace(b" ", b":"), b"", b"\n", b"x"),
        pair + b" ffffffff ffffffff",
        pair + b" ffff ffff",
        pair + b" 0 0",
        pair + b" ffffffff ffffffff 0 0",
        pair + b" ffffffff ffffffff 020000 ff0000",
        pair + b" ffffffff ffffffff 0 0 0",
        pair + b" ffffffff ffffffff 0 0 5",
        pair + b" ffffffff ffffffff 0 0 0 junk",
        pair + b" junk",
        pair + b"\0junk",
        pair + b" 0x0x1",
        pair + b" 1ffffffff",
        pair + b" -1",
    )
