"""Records of how devices were found."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resolver.changes import journal
from resolver.changes.journal import Record
from resolver.device import Binding, Device
from resolver.errors import FailedError, NotFoundError, RefusedError

NAME = "0000:3b:00.2"
PATH = f"run/resolver/{NAME}.json"
RECORD = Record(
    device=NAME,
    bus="pci",
    vendor_device="15b3:101e",
    driver="mlx5_core",
    module="mlx5_core",
    override=None,
    wanted="mlx5_vfio_pci",
    boot_id="269dff0c",
)
DEVICE = Device(
    bus="pci",
    name=NAME,
    modalias=None,
    binding=Binding(None, None),
    vendor_device="15b3:101e",
)


@pytest.mark.parametrize("override", [None, "vfio-pci", " a b\r", "\udcff\x01", "%s"])
def test_record_reads_back_as_it_was_written(
    captured: Any, override: str | None
) -> None:
    """Whatever was in driver_override."""
    record = dataclasses.replace(RECORD, override=override)
    journal.write(captured.live_host, record)
    assert journal.load(captured.live_host, NAME) == record
    assert journal.recorded(captured.live_host) == [NAME]


def test_record_leaves_no_other_file_behind(captured: Any) -> None:
    """The temporary file became the record."""
    journal.write(captured.live_host, RECORD)
    assert [p.name for p in (captured.root / "run/resolver").iterdir()] == [
        f"{NAME}.json"
    ]


def test_forgetting_removes_the_record(captured: Any) -> None:
    """Also when there is none any more."""
    journal.write(captured.live_host, RECORD)
    for _ in range(2):
        journal.remove(captured.live_host, NAME)
        assert journal.load(captured.live_host, NAME) is None


def test_captured_host_is_not_written(captured: Any) -> None:
    """A record is a change, too."""
    with pytest.raises(RefusedError):
        journal.write(captured.host, RECORD)
    assert not (captured.root / "run").exists()


def test_nothing_remembered_is_not_found(captured: Any) -> None:
    """The exit code is 4."""
    with pytest.raises(NotFoundError, match="device has no record"):
        journal.require(captured.host, DEVICE)


def test_another_device_at_the_address_is_refused(captured: Any) -> None:
    """It does not get the driver of the one that was there."""
    journal.write(captured.live_host, RECORD)
    other = dataclasses.replace(DEVICE, vendor_device="8086:1572")
    with pytest.raises(RefusedError, match="device is not the recorded one"):
        journal.require(captured.host, other)
    assert journal.usable(captured.host, other) is None


def test_record_of_an_earlier_boot_is_of_no_use(captured: Any) -> None:
    """The boot has undone what was recorded."""
    journal.write(captured.live_host, RECORD)
    captured.write("proc/sys/kernel/random/boot_id", "another\n")
    assert journal.is_of_earlier_boot(captured.host, RECORD)
    assert journal.usable(captured.host, DEVICE) is None


def test_host_without_boot_id_keeps_its_records(captured: Any) -> None:
    """Containers may hide it."""
    journal.write(captured.live_host, RECORD)
    assert journal.usable(captured.host, DEVICE) == RECORD


def good(**changes: object) -> bytes:
    """Return the file of a record, with some fields changed."""
    members = dataclasses.asdict(RECORD)
    del members["more"]
    document = {"schema": journal.SCHEMA, **members, **changes}
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "it is not JSON"),
        (b"\xff\xfe{}", "it is not UTF-8"),
        (b"[" * 50_000, "damaged"),
        (b" " * 70_000, "longer than 65536 bytes"),
        (b"[]", "not a JSON object"),
        (good(schema="resolver-persistent/1"), "not a resolver-journal/2 document"),
        (b'{"schema": "resolver-journal/2", "device": "x"}', "it has no bus, driver"),
        (good(inode="1"), "inode is not a number"),
        (good(inode=True), "inode is not a number"),
        (good(driver=7), "driver is not a string"),
        (good(device=None), "device is not a string"),
        (good(device="0000:00:00.0"), "it is about device"),
        (good(driver="../../etc"), "it is a path"),
        (good(module="-f"), "starts with '-'"),
        (good(bus="../x"), "it is a path"),
        (good(driver="\ud800" * 300), "damaged"),
        (good(override="(null)"), "invalid driver_override"),
        (good(override="a\nb"), "invalid driver_override"),
        (good(override="x" * 5000), "longer than 4094 bytes"),
    ],
)
def test_hostile_record_is_a_clear_error(
    captured: Any, data: bytes, problem: str
) -> None:
    """The file is named, and what is wrong with it."""
    captured.write(PATH, data)
    with pytest.raises(FailedError, match=problem) as caught:
        journal.load(captured.host, NAME)
    assert str(captured.root / PATH) in caught.value.message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.binary()
    | st.fixed_dictionaries(
        {
            name: st.text() | st.none() | st.integers()
            for name in dataclasses.asdict(RECORD)
        }
    ).map(lambda fields: good(**fields))
)
def test_no_bytes_make_a_record_that_could_leave_its_directory(
    captured: Any, data: bytes
) -> None:
    """Either an error, or names that are names."""
    captured.write(PATH, data)
    try:
        record = journal.load(captured.host, NAME)
    except FailedError:
        return
    assert record is not None
    for name in (record.device, record.bus, record.driver, record.module):
        assert name is None or ("/" not in name and not name.startswith("-"))


def test_unreadable_record_is_a_clear_error(captured: Any) -> None:
    """A directory in its place, say."""
    (captured.root / PATH).mkdir(parents=True)
    with pytest.raises(FailedError, match="cannot read"):
        journal.load(captured.host, NAME)


@pytest.mark.parametrize("schema", ["resolver-journal/1", "resolver-journal/9"])
def test_record_of_another_version_counts(captured: Any, schema: str) -> None:
    """New members stay when this version writes the record again."""
    captured.write(PATH, good(schema=schema, colour={"a": [1]}))
    record = journal.load(captured.live_host, NAME)
    assert record is not None
    assert record.binding == RECORD.binding
    journal.write(captured.live_host, dataclasses.replace(record, wanted="other"))
    written = json.loads((captured.root / PATH).read_bytes())
    assert (written["colour"], written["wanted"]) == ({"a": [1]}, "other")


@pytest.mark.parametrize("changes", [{"driver": ["a"]}, {"device": None}])
def test_record_that_this_version_cannot_use_blocks_nothing(
    captured: Any, changes: dict[str, object]
) -> None:
    """The next change replaces it."""
    captured.write(PATH, good(schema="resolver-journal/9", **changes))
    assert journal.usable(captured.live_host, DEVICE) is None


def test_devices_of_two_buses_have_two_records(captured: Any) -> None:
    """A platform device and an AMBA device can have the same name."""
    for bus in ("platform", "amba"):
        record = dataclasses.replace(RECORD, bus=bus, driver=f"of-{bus}")
        journal.write(captured.live_host, record)
    names = [journal.name_of(bus, NAME) for bus in ("amba", "platform")]
    assert journal.recorded(captured.live_host) == names
    found = [journal.load(captured.live_host, name) for name in names]
    assert [one and one.driver for one in found] == ["of-amba", "of-platform"]


def test_device_that_was_created_anew_has_no_record(captured: Any) -> None:
    """Its directory is another one, with the same name."""
    path = captured.device(NAME)
    host = captured.live_host
    device = dataclasses.replace(DEVICE, binding=Binding("mlx5_core", None))
    record = journal.record_of(host, device, device.binding, wanted=None)
    journal.write(host, record)
    assert journal.usable(host, device) == record
    # The first directory stays, because a file system may use its number again.
    path.rename(path.with_name("before"))
    path.mkdir()
    assert journal.usable(host, device) is None
    assert journal.load(host, NAME) == record


BOUND = dataclasses.replace(RECORD, started_from="nouveau")
VARIANT = "mlx5_vfio_pci"


@pytest.mark.parametrize(
    ("is_explained", "driver", "override"),
    [
        (True, "mlx5_core", None),
        (True, "mlx5_core", VARIANT),
        (True, None, VARIANT),
        (True, None, None),
        (True, VARIANT, VARIANT),
        (True, VARIANT, None),
        (True, "nouveau", "nouveau"),
        (True, "mlx5_core", "mlx5_core"),
        (False, "vfio-pci", "vfio-pci"),
        (False, "vfio-pci", VARIANT),
        (False, "mlx5_core", "vfio-pci"),
        (False, None, "vfio-pci"),
    ],
)
def test_record_explains_what_a_killed_command_leaves(
    is_explained: bool, driver: str | None, override: str | None
) -> None:
    """Anything else is from another program."""
    assert BOUND.explains(Binding(driver, override)) is is_explained
