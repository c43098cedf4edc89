"""The log of uevents, and their form on the wire."""

from __future__ import annotations

from simkernel.model.core.uevent import Uevent, UeventLog


def test_events_of_the_boot_count_but_are_not_recorded() -> None:
    """Sequence numbers begin with 1 at boot."""
    log, heard = UeventLog(), list[Uevent]()
    log.listeners.append(heard.append)
    log.emit("add", "/devices/x")
    log.emit("add", "/devices/y")
    assert heard == log.events == []

    log.start()
    log.emit("bind", "/devices/x", ("SUBSYSTEM", "pci"), ("DRIVER", "d"))
    log.emit("remove", "/devices/x")

    variables = (("SUBSYSTEM", "pci"), ("DRIVER", "d"))
    expected = [
        Uevent("bind", "/devices/x", variables, 3),
        Uevent("remove", "/devices/x", (), 4),
    ]
    assert expected == log.events == heard


def test_event_is_a_datagram_of_strings_with_nul() -> None:
    """As kobject_uevent_env() fills it; the sequence number is last."""
    event = Uevent("bind", "/devices/x", (("SUBSYSTEM", "pci"), ("DRIVER", "d")), 17)

    assert event.to_bytes() == (
        b"bind@/devices/x\0ACTION=bind\0DEVPATH=/devices/x\0"
        b"SUBSYSTEM=pci\0DRIVER=d\0SEQNUM=17\0"
    )
    assert str(event) == "bind@/devices/x\n    SUBSYSTEM=pci\n    DRIVER=d"
