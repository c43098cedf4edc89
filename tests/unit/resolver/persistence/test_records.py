"""Records of what is persistent: whatever the files hold, nothing else is touched."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resolver.errors import FailedError, ResolverError, UsageError
from resolver.linux import Host
from resolver.persistence import records, texts
from resolver.persistence.records import PersistentRecord

KEY = "pci-0000:3b:00.2"
RECORD = PersistentRecord(
    device="0000:3b:00.2",
    bus="pci",
    vendor_device="15b3:101e",
    driver="mlx5_vfio_pci",
    module="mlx5_vfio_pci",
    mechanism="systemd",
)


def host_with(root: Path, data: bytes, key: str = KEY) -> Host:
    path = root / "etc" / "resolver" / "persistent"
    path.mkdir(parents=True, exist_ok=True)
    (path / f"{key}.json").write_bytes(data)
    return Host.below(str(root))


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    """A record survives its file."""
    host = host_with(tmp_path, RECORD.to_bytes())
    assert records.load(host, KEY) == RECORD
    assert records.recorded(host) == [KEY]


@pytest.mark.parametrize(
    "change",
    [
        {"driver": "../x"},
        {"module": "-r"},
        {"device": "0000:3b:00.3"},
        {"bus": "../../pci"},
        {"mechanism": "cron"},
        {"uid": -1},
        {"uid": True},
        {"gid": 2**32},
        {"vendor_device": 7},
        {"more": 1},
        {"schema": "resolver-persistent/9"},
    ],
)
def test_what_cannot_be_a_record_is_refused(
    tmp_path: Path, change: dict[str, object]
) -> None:
    """Each member is checked; the error names the file and what to do."""
    data = json.dumps(json.loads(RECORD.to_bytes()) | change).encode()
    with pytest.raises(FailedError, match="is damaged"):
        records.load(host_with(tmp_path, data), KEY)


@given(st.binary())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_content_is_too_strange(tmp_path: Path, data: bytes) -> None:
    """Any bytes are a record or an error of ours."""
    with suppress(FailedError):
        records.load(host_with(tmp_path, data), KEY)


@given(st.text())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_keys_never_leave_the_directory(tmp_path: Path, key: str) -> None:
    """A key is a name that udev and systemd take as it is, or an error of ours."""
    host = Host.below(str(tmp_path))
    try:
        records.load(host, key)
    except UsageError:
        return
    except ResolverError:
        pass
    assert not set(key) & set('/\\ "*?[]$%\n\0')


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/usr/bin/python3", "ExecStart=/usr/bin/python3 -m"),
        ("/opt/my tools/python", 'ExecStart="/opt/my tools/python" -m'),
        ("/opt/100%/python", 'ExecStart="/opt/100%%/python" -m'),
    ],
)
def test_the_unit_quotes_the_interpreter(path: str, expected: str) -> None:
    """Blanks and percent signs mean something to systemd."""
    assert expected in texts.boot_unit(path)


def test_no_unit_can_hold_a_newline() -> None:
    """What cannot be quoted is an error, and never a second line."""
    with pytest.raises(FailedError, match="invalid path in a unit"):
        texts.boot_unit("/opt/a\nExecStart=/bin/x/python")
