"""Open files of the kernel."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest
from pyfakefs import fake_open

from simkernel.fronts.fakefs.host import simulated
from simkernel.host.host import Host
from tests.bench import host_of

VF = "/sys/bus/pci/devices/0000:3b:00.2"


def _host() -> Host:
    return host_of("mlx5_vfio_pci")


def test_pyfakefs_has_the_replaced_class_names() -> None:
    """The pinned pyfakefs creates its streams through these two class names."""
    assert callable(fake_open.FakeBinaryFileWrapper)
    assert callable(fake_open.FakeTextFileWrapper)
    with simulated(_host()), open(f"{VF}/modalias") as stream:
        assert isinstance(stream, io.TextIOWrapper)


def test_dropped_attribute_is_written() -> None:
    """A program that never closes a file writes it, as in CPython."""
    with simulated(_host()):
        open(f"{VF}/driver_override", "w").write("foo")  # noqa: SIM115  # on purpose

        assert Path(f"{VF}/driver_override").read_text() == "foo\n"


def test_dropped_plain_file_is_written() -> None:
    """A configuration file that a script never closes is complete at once."""
    with simulated(_host()):
        open("/etc/modprobe.d/x.conf", "w").write("alias foo vfio\n")  # noqa: SIM115  # on purpose
        done = subprocess.run(["modprobe", "-R", "foo"], capture_output=True, text=True)

        assert done.stdout == "vfio\n"


def test_refused_buffered_write_raises_at_close() -> None:
    """The kernel refuses the write when the buffer is flushed."""
    with simulated(_host()):
        stream = open("/sys/bus/pci/drivers_probe", "w")  # noqa: SIM115  # closed below
        stream.write("0000:99:00.0")

        with pytest.raises(OSError, match="No such device"):
            stream.close()


def test_read_after_seek_to_start_shows_new_state() -> None:
    """An open file is read anew after a seek to its start."""
    with simulated(_host()), open(f"{VF}/driver_override") as stream:
        assert stream.read() == "(null)\n"
        Path(f"{VF}/driver_override").write_text("foo")
        stream.seek(0)

        assert stream.read() == "foo\n"
