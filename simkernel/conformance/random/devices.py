"""Pieces about one function: it is moved between drivers, its files are written."""

from __future__ import annotations

from hypothesis import strategies as st

from simkernel.conformance.operations import Write
from simkernel.conformance.random.piece import (
    Piece,
    Pieces,
    device_names,
    of_device,
    write,
)
from simkernel.conformance.texts import (
    OVERRIDES,
    SETTINGS,
    id_texts,
    override_texts,
)
from simkernel.conformance.vocabulary import (
    PCI,
    Vocabulary,
    device_file,
    driver_file,
)

__all__ = ["bindings", "ids", "moves", "overrides", "settings"]


def moves(words: Vocabulary) -> Pieces:
    """A function is given an override, taken from its driver, and offered again."""

    def move(address: str, driver: str, override: bytes, binds: bool) -> Piece:
        name = address.encode()
        offer = driver_file(driver, "bind") if binds else f"{PCI}/drivers_probe"
        return (
            Write(device_file(address, "driver_override"), override),
            Write(device_file(address, "driver/unbind"), name),
            Write(offer, name),
        )

    return st.sampled_from(words.drivers).flatmap(
        lambda driver: st.builds(
            move,
            st.sampled_from(words.endpoints),
            st.just(driver),
            st.sampled_from(override_texts(driver)),
            st.booleans(),
        )
    )


def bindings(words: Vocabulary) -> Pieces:
    """Something is written to ``bind``, ``unbind`` or ``drivers_probe``."""
    files = st.builds(
        driver_file,
        st.sampled_from((*words.drivers, "nosuch")),
        st.sampled_from(("bind", "unbind")),
    )
    probe = st.just(f"{PCI}/drivers_probe")
    return write(st.one_of(files, files, probe), device_names(words))


def overrides(words: Vocabulary) -> Pieces:
    """A ``driver_override`` is written, right or odd."""
    known = [text for one in words.drivers for text in override_texts(one)]
    texts = st.one_of(st.sampled_from((*known, *OVERRIDES)), st.binary())
    return write(of_device(words, ("driver_override",)), texts)


def ids(words: Vocabulary) -> Pieces:
    """A driver is given an id, or loses one."""
    files = st.builds(
        driver_file,
        st.sampled_from(words.drivers),
        st.sampled_from(("new_id", "new_id", "remove_id")),
    )
    kinds = [*words.ids, "1b36 7abc"]
    texts = st.sampled_from([text for one in kinds for text in id_texts(one)])
    return write(files, texts)


def settings(words: Vocabulary) -> Pieces:
    """One of a function's settings is written."""
    files = [(name, text) for name, texts in SETTINGS.items() for text in texts]
    chosen = st.sampled_from(files)
    return st.builds(
        lambda address, file: (Write(device_file(address, file[0]), file[1]),),
        st.sampled_from(words.endpoints),
        chosen,
    )
