"""Random steps on one function: drivers, ids and settings."""

from __future__ import annotations

from hypothesis import strategies as st

from simkernel.conformance.operands import (
    PCI,
    Operands,
    device_file,
    driver_file,
)
from simkernel.conformance.operations import Operations, Write
from simkernel.conformance.random.steps import (
    Steps,
    device_files,
    device_name_values,
    write,
)
from simkernel.conformance.write_values import (
    OVERRIDES,
    SETTINGS,
    id_values,
    override_values,
)

__all__ = ["bindings", "ids", "moves", "overrides", "settings"]


def moves(operands: Operands) -> Steps:
    """Set a function's override, unbind it, and have it probed again."""

    def move(address: str, driver: str, override: bytes, binds: bool) -> Operations:
        name = address.encode()
        offer = driver_file(driver, "bind") if binds else f"{PCI}/drivers_probe"
        return (
            Write(device_file(address, "driver_override"), override),
            Write(device_file(address, "driver/unbind"), name),
            Write(offer, name),
        )

    return st.sampled_from(operands.drivers).flatmap(
        lambda driver: st.builds(
            move,
            st.sampled_from(operands.endpoints),
            st.just(driver),
            st.sampled_from(override_values(driver)),
            st.booleans(),
        )
    )


def bindings(operands: Operands) -> Steps:
    """Write to ``bind``, ``unbind`` or ``drivers_probe``."""
    files = st.builds(
        driver_file,
        st.sampled_from((*operands.drivers, "nosuch")),
        st.sampled_from(("bind", "unbind")),
    )
    probe = st.just(f"{PCI}/drivers_probe")
    return write(st.one_of(files, files, probe), device_name_values(operands))


def overrides(operands: Operands) -> Steps:
    """Write a ``driver_override``, valid or malformed."""
    known = [text for one in operands.drivers for text in override_values(one)]
    texts = st.one_of(st.sampled_from((*known, *OVERRIDES)), st.binary())
    return write(device_files(operands, ("driver_override",)), texts)


def ids(operands: Operands) -> Steps:
    """Add an id to a driver, or remove one."""
    files = st.builds(
        driver_file,
        st.sampled_from(operands.drivers),
        st.sampled_from(("new_id", "new_id", "remove_id")),
    )
    kinds = [*operands.ids, "1b36 7abc"]
    texts = st.sampled_from([text for one in kinds for text in id_values(one)])
    return write(files, texts)


def settings(operands: Operands) -> Steps:
    """Write one of a function's settings."""
    files = [(name, text) for name, texts in SETTINGS.items() for text in texts]
    chosen = st.sampled_from(files)
    return st.builds(
        lambda address, file: (Write(device_file(address, file[0]), file[1]),),
        st.sampled_from(operands.endpoints),
        chosen,
    )
