"""Draw a host as an SVG picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

from simkernel.drawing.topology import DeviceNode, DriverNode, Topology

__all__ = ["svg"]

# All sizes are in pixels.
_FONT = 12
_CHARACTER = 7.3
"""Width of a character of a monospaced font: 0.6 of its size, rounded up."""
_ROW = 22
_GAP = 8
_MARGIN = 20
_TITLE = 34
_BETWEEN = 190
"""Width between devices and drivers, for the lines."""
_DRIVER = 42
_COLOURS = ("#1f77b4", "#d95f02", "#7570b3", "#e7298a", "#a6761d", "#666666")
_VFIO_COLOURS = ("#1b9e77", "#2e7d32", "#00838f", "#558b2f")

_STYLE = """
text { font: 12px 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: #222 }
.title { font-size: 15px; font-weight: bold }
.dim { fill: #666 }
.warn { fill: #b00020 }
.group { fill: #f4f4ef; stroke: #99998c }
.none { fill: none; stroke: #bbb; stroke-dasharray: 4 3 }
.driver { fill: #fff; stroke-width: 1.5 }
.line { fill: none; stroke-width: 1.5 }
"""


@dataclass(frozen=True, slots=True)
class _Place:
    """Position and colour of a driver."""

    top: float
    colour: str

    @property
    def middle(self) -> float:
        return self.top + _DRIVER / 2


def svg(title: str, host: Topology) -> str:
    """Return an SVG 1.1 document.

    Each frame is an IOMMU group with its devices. A line leads from a device to its
    driver, a dashed line to the driver that only ``driver_override`` names.
    """
    groups = host.groups()
    tops = _device_tops(groups)
    label = max((len(number) for number, _ in groups), default=0) + len("group ")
    rows_left = _MARGIN + label * _CHARACTER + 3 * _GAP
    widest = max((len(_row(one)) for one in host.devices), default=0)
    right = rows_left + widest * _CHARACTER + _GAP
    places = _places(host, tops)
    drivers_left = right + _BETWEEN
    longest = max((_driver_width(one) for one in host.drivers), default=0)
    width = drivers_left + longest * _CHARACTER + 2 * _GAP + _MARGIN
    ends = [*(top + _ROW for top in tops.values()), _TITLE]
    ends += [place.top + _DRIVER for place in places.values()]
    height = max(ends) + _GAP + _MARGIN
    heading = f"{title}, kernel {host.release}"
    width = max(width, len(heading) * _CHARACTER * 15 / _FONT + 2 * _MARGIN)
    return "".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>\n',
            '<svg xmlns="http://www.w3.org/2000/svg" version="1.1" '
            f'width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}">\n',
            f"<title>{_text(heading)}</title>\n<style>{_STYLE}</style>\n",
            '<rect width="100%" height="100%" fill="#fff"/>\n',
            _words(_MARGIN, _TITLE - 8, heading, "title"),
            *_lines(host, tops, places, right, drivers_left),
            *_groups(groups, tops, rows_left, right),
            *_drivers(host, places, drivers_left),
            "</svg>\n",
        ]
    )


# ---- places


def _device_tops(
    groups: list[tuple[str, list[DeviceNode]]],
) -> dict[tuple[str, str], float]:
    """Return the top of each device's row."""
    tops, y = {}, float(_TITLE + _GAP)
    for _, devices in groups:
        for device in devices:
            tops[device.bus, device.name] = y
            y += _ROW
        y += 2 * _GAP
    return tops


def _places(
    host: Topology, tops: dict[tuple[str, str], float]
) -> dict[tuple[str, str], _Place]:
    """Place each driver beside its devices, without overlaps."""
    beside: dict[tuple[str, str], list[float]] = {}
    for device in host.devices:
        top = tops[device.bus, device.name] + _ROW / 2
        beside.setdefault((device.bus, device.driver), []).append(top)
    wanted = []
    for number, driver in enumerate(host.drivers):
        devices = beside.get((driver.bus, driver.name))
        middle = sum(devices) / len(devices) if devices else float("inf")
        wanted.append((middle, number, driver))
    places, free = {}, float(_TITLE + _GAP)
    plain, vfio = iter(_COLOURS * len(wanted)), iter(_VFIO_COLOURS * len(wanted))
    for middle, _, driver in sorted(wanted, key=lambda one: one[:2]):
        top = free if middle == float("inf") else max(free, middle - _DRIVER / 2)
        colour = next(vfio if driver.vfio else plain)
        places[driver.bus, driver.name] = _Place(top, colour)
        free = top + _DRIVER + _GAP
    return places


# ---- parts


def _groups(
    groups: list[tuple[str, list[DeviceNode]]],
    tops: dict[tuple[str, str], float],
    rows_left: float,
    right: float,
) -> Iterator[str]:
    for number, devices in groups:
        top = tops[devices[0].bus, devices[0].name] - _GAP / 2
        height = len(devices) * _ROW + _GAP
        yield (
            f'<rect class="{"group" if number else "none"}" x="{_MARGIN}" '
            f'y="{top:.1f}" width="{right - _MARGIN:.1f}" height="{height:.1f}" '
            'rx="4"/>\n'
        )
        name = f"group {number}" if number else "no group"
        yield _words(_MARGIN + _GAP, top + _GAP / 2 + 15, name, "dim")
        for device in devices:
            y = tops[device.bus, device.name] + 15
            style = "" if device.driver else "warn"
            yield _words(rows_left, y, _row(device), style)


def _drivers(
    host: Topology, places: dict[tuple[str, str], _Place], left: float
) -> Iterator[str]:
    longest = max((_driver_width(one) for one in host.drivers), default=0)
    width = longest * _CHARACTER + 2 * _GAP
    for driver in host.drivers:
        place = places[driver.bus, driver.name]
        yield (
            f'<rect class="driver" x="{left:.1f}" y="{place.top:.1f}" '
            f'width="{width:.1f}" height="{_DRIVER}" rx="10" '
            f'stroke="{place.colour}"/>\n'
        )
        yield _words(left + _GAP, place.top + 17, driver.name)
        yield _words(left + _GAP, place.top + 34, _about(driver), "dim")


def _lines(
    host: Topology,
    tops: dict[tuple[str, str], float],
    places: dict[tuple[str, str], _Place],
    left: float,
    right: float,
) -> Iterator[str]:
    for device in host.devices:
        y = tops[device.bus, device.name] + _ROW / 2
        place = places.get((device.bus, device.driver))
        if place is not None:
            yield _curve(left, y, right, place, "")
        place = places.get((device.bus, device.override))
        if place is not None and device.override != device.driver:
            yield _curve(left, y, right, place, ' stroke-dasharray="5 4"')


def _curve(left: float, y: float, right: float, place: _Place, more: str) -> str:
    bend = (left + right) / 2
    return (
        f'<path class="line" stroke="{place.colour}"{more} d="M{left:.1f} {y:.1f} '
        f"C{bend:.1f} {y:.1f} {bend:.1f} {place.middle:.1f} "
        f'{right:.1f} {place.middle:.1f}"/>\n'
    )


# ---- words


def _row(device: DeviceNode) -> str:
    """Return the label of a device."""
    words = [
        device.name,
        device.id,
        "VF" if device.virtual else device.kind,
        device.interface,
        "" if device.driver else "no driver",
        f"override {device.override}" if device.override else "",
    ]
    return "  ".join(filter(None, words))


def _about(driver: DriverNode) -> str:
    words = [
        "VFIO" if driver.vfio else "",
        f"module {driver.module}" if driver.module else "no module",
        "" if driver.bus == "pci" else f"bus {driver.bus}",
    ]
    return ", ".join(filter(None, words))


def _driver_width(driver: DriverNode) -> int:
    return max(len(driver.name), len(_about(driver)))


def _words(x: float, y: float, text: str, style: str = "") -> str:
    named = f' class="{style}"' if style else ""
    return (
        f'<text{named} x="{x:.1f}" y="{y:.1f}" xml:space="preserve">'
        f"{_text(text)}</text>\n"
    )


def _text(text: str) -> str:
    """Escape a text for XML; replace invalid characters."""
    allowed = (
        one if one >= " " or one in "\t\n" else "\N{REPLACEMENT CHARACTER}"
        for one in text
    )
    return escape("".join(allowed))
