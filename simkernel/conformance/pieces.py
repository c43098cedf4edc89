"""Pieces of random programs: the small things that somebody might do to a kernel.

A device is moved, a module loaded with what it needs, something odd is written.
"""

from __future__ import annotations

from hypothesis import strategies as st

from simkernel.conformance.operations import (
    Load,
    Operation,
    Plug,
    Read,
    Unload,
    Unplug,
    Write,
)
from simkernel.conformance.texts import (
    NUMBERS,
    OVERRIDES,
    SETTINGS,
    TRUTHS,
    UEVENTS,
    id_texts,
    name_texts,
    override_texts,
)
from simkernel.conformance.vocabulary import (
    PCI,
    Vocabulary,
    device_file,
    driver_file,
)
from simkernel.scenario.schema import Module

__all__ = ["Piece", "Pieces", "chosen", "module_loads", "pieces", "repairs"]

Piece = tuple[Operation, ...]
Pieces = st.SearchStrategy[Piece]

_READ = (
    "driver_override",
    "uevent",
    "enable",
    "remove",
    "rescan",
    "modalias",
    "nothing",
)
_READ_ONLY = ("vendor", "modalias", "sriov_totalvfs", "nothing", "driver", "power")


def chosen(kinds: list[Pieces]) -> Pieces:
    """Return one of some strategies, each as often as it is listed.

    ``one_of`` would take the parts of each for themselves.
    """
    return st.integers(0, len(kinds) - 1).flatmap(kinds.__getitem__)


def pieces(words: Vocabulary) -> Pieces:
    """Return all kinds of pieces; those listed twice are drawn twice as often."""
    kinds: list[Pieces] = []
    if words.endpoints and words.drivers:
        kinds += [_moves(words)] * 4 + [_bindings(words)] * 4
        kinds += [_overrides(words)] * 2 + [_ids(words)] * 2
    if words.sriov:
        kinds += [_sriov(words)] * 3
    if words.modules:
        kinds += [_modules(words)] * 2 + [_parameters(words)]
    if words.others:
        kinds += [_other_buses(words)] * 3
    if words.endpoints:
        kinds += [_presence(words), _settings(words), _rescans(words)]
    kinds += [_reads(words), _strange_writes(words)]
    return chosen(kinds)


def _write(paths: st.SearchStrategy[str], texts: st.SearchStrategy[bytes]) -> Pieces:
    return st.builds(Write, paths, texts).map(lambda one: (one,))


def _names(words: Vocabulary) -> st.SearchStrategy[bytes]:
    """Names of functions, most of them spelled right."""
    known = st.sampled_from((*words.endpoints, *words.bridges))
    right = known.map(str.encode)
    odd = known.flatmap(lambda name: st.sampled_from(name_texts(name)))
    return st.one_of(right, right, right, odd)


# ---- drivers and devices


def _moves(words: Vocabulary) -> Pieces:
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


def _bindings(words: Vocabulary) -> Pieces:
    files = st.builds(
        driver_file,
        st.sampled_from((*words.drivers, "nosuch")),
        st.sampled_from(("bind", "unbind")),
    )
    probe = st.just(f"{PCI}/drivers_probe")
    return _write(st.one_of(files, files, probe), _names(words))


def _overrides(words: Vocabulary) -> Pieces:
    known = [text for one in words.drivers for text in override_texts(one)]
    texts = st.one_of(st.sampled_from((*known, *OVERRIDES)), st.binary())
    return _write(_of_device(words, ("driver_override",)), texts)


def _ids(words: Vocabulary) -> Pieces:
    files = st.builds(
        driver_file,
        st.sampled_from(words.drivers),
        st.sampled_from(("new_id", "new_id", "remove_id")),
    )
    kinds = [*words.ids, "1b36 7abc"]
    texts = st.sampled_from([text for one in kinds for text in id_texts(one)])
    return _write(files, texts)


def _of_device(words: Vocabulary, files: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.builds(
        device_file,
        st.sampled_from((*words.endpoints, *words.bridges)),
        st.sampled_from(files),
    )


def _settings(words: Vocabulary) -> Pieces:
    files = [(name, text) for name, texts in SETTINGS.items() for text in texts]
    chosen = st.sampled_from(files)
    return st.builds(
        lambda address, file: (Write(device_file(address, file[0]), file[1]),),
        st.sampled_from(words.endpoints),
        chosen,
    )


# ---- what comes and goes


def _presence(words: Vocabulary) -> Pieces:
    removals = _write(
        _of_device(words, ("remove",)),
        st.sampled_from((b"1", b"1", b"1\n", b"0", b"x", b"")),
    )
    address = st.sampled_from(words.physical)
    unplugs = address.map(lambda name: (Unplug(name),))
    pulled = address.map(
        lambda name: (Unplug(name), Write(device_file(name, "remove"), b"1"))
    )
    plugs = address.map(lambda name: (Plug(name),))
    return chosen([removals, removals, unplugs, pulled, plugs])


def repairs(words: Vocabulary) -> Pieces:
    """What brings functions back that are gone."""
    rescan = st.just((Write(f"{PCI}/rescan", b"1"),))
    plug = st.sampled_from(words.physical).map(lambda name: (Plug(name),))
    if not words.sriov:
        return chosen([rescan, rescan, plug])
    enable = st.builds(
        lambda name, text: (Write(device_file(name, "sriov_numvfs"), text),),
        st.sampled_from(words.sriov),
        st.sampled_from((b"1", b"2", b"3")),
    )
    return chosen([rescan, rescan, plug, enable, enable])


def _rescans(words: Vocabulary) -> Pieces:
    paths = st.one_of(
        st.just(f"{PCI}/rescan"),
        _of_device(words, ("rescan",)),
        st.just(f"{PCI}/drivers_autoprobe"),
    )
    return _write(paths, st.sampled_from((b"1", b"1", b"1", b"0", *NUMBERS)))


def _sriov(words: Vocabulary) -> Pieces:
    address = st.sampled_from((*words.sriov, *words.sriov, words.endpoints[0]))
    counts = st.sampled_from((b"1", b"2", b"3", *NUMBERS))
    numbers = st.builds(
        lambda name, text: (Write(device_file(name, "sriov_numvfs"), text),),
        address,
        counts,
    )
    anew = st.builds(
        lambda name, count: (
            Write(device_file(name, "sriov_numvfs"), b"0"),
            Write(device_file(name, "sriov_numvfs"), b"%d" % count),
        ),
        address,
        st.integers(1, 3),
    )
    autoprobe = st.builds(
        lambda name, text: (Write(device_file(name, "sriov_drivers_autoprobe"), text),),
        address,
        st.sampled_from(TRUTHS),
    )
    return chosen([numbers, anew, anew, autoprobe])


# ---- modules


def module_loads(words: Vocabulary) -> Pieces:
    """Some modules with what they need, each loaded once."""
    if not words.modules:
        return st.just(())
    names = st.sampled_from([one.name for one in words.modules])
    return st.lists(names, max_size=3).map(
        lambda some: tuple(
            dict.fromkeys(load for name in some for load in words.load(name))
        )
    )


def _modules(words: Vocabulary) -> Pieces:
    names = st.sampled_from([one.name for one in words.modules])
    needed = names.flatmap(
        lambda name: _assignments(words.module(name)).map(
            lambda text: words.load(name, text)
        )
    )
    alone = st.builds(lambda name: (Load(name),), names)
    unloads = st.builds(lambda name: (Unload(name),), names)
    return chosen([needed, needed, alone, unloads, unloads])


def _assignments(module: Module) -> st.SearchStrategy[str]:
    """Parameters on a module's command line, mostly none."""
    names = [one.name for one in module.parameters] + ["unknown"]
    word = st.builds(
        lambda name, text: f"{name}={text}",
        st.sampled_from(names),
        st.sampled_from(("0", "1", "Y", "n", "-1", "-22", "x", "", "2147483648")),
    )
    alone = st.sampled_from(names)
    some = st.lists(st.one_of(word, word, alone), min_size=1, max_size=2)
    return st.one_of(st.just(""), st.just(""), some.map(" ".join))


def _parameters(words: Vocabulary) -> Pieces:
    files = [
        f"/sys/module/{module.name}/parameters/{one.name}"
        for module in words.modules
        for one in module.parameters
        if int(one.mode, 8)
    ]
    uevents = [f"/sys/module/{module.name}/uevent" for module in words.modules]
    texts = st.sampled_from((*NUMBERS, *TRUTHS, b"-22", b"-1"))
    synthetic = _write(st.sampled_from(uevents), st.sampled_from(UEVENTS))
    if not files:
        return synthetic
    return st.one_of(_write(st.sampled_from(files), texts), synthetic)


# ---- the rest


def _reads(words: Vocabulary) -> Pieces:
    paths = [
        f"{PCI}/rescan",
        f"{PCI}/drivers_autoprobe",
        f"{PCI}/drivers",
        "/sys/nothing",
    ]
    paths += [device_file(one, name) for one in words.endpoints for name in _READ]
    paths += [driver_file(one, "bind") for one in words.drivers]
    return st.builds(lambda path: (Read(path),), st.sampled_from(paths))


def _strange_writes(words: Vocabulary) -> Pieces:
    paths = [f"{PCI}/devices", f"{PCI}/nothing", f"{PCI}/uevent"]
    paths += [device_file(one, name) for one in words.endpoints for name in _READ_ONLY]
    paths += [device_file(one, "uevent") for one in words.endpoints]
    paths += [driver_file(one, "uevent") for one in words.drivers]
    return _write(
        st.sampled_from(paths), st.sampled_from((*UEVENTS, b"1", b"x" * 5000))
    )


def _other_buses(words: Vocabulary) -> Pieces:
    devices = [name for _, name in words.others if not name.endswith(".auto")]
    names = st.sampled_from([one.encode() for one in devices] or [b"nothing"])
    files = [
        driver_file(driver, file, bus)
        for bus, driver in words.other_drivers
        for file in ("bind", "unbind")
    ]
    files += [f"/sys/bus/{bus}/drivers_probe" for bus, _ in words.others]
    overrides = [
        f"/sys/bus/{bus}/devices/{name}/driver_override" for bus, name in words.others
    ]
    drivers = [name.encode() for _, name in words.other_drivers]
    return st.one_of(
        _write(st.sampled_from(files), names),
        _write(
            st.sampled_from(overrides), st.sampled_from((*drivers, b"\n", b"nosuch"))
        ),
    )
