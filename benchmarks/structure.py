"""Count the structure of both packages: files, lines, and arrows between folders.

``python -m benchmarks.structure [CHECKOUT]`` prints a table for each package, by
default of this checkout; with a path, of an older one. It needs import-linter, which
brings grimp.

A folder is looked at with its modules and subfolders as single rooms. An arrow leads
from one room to another that it imports, however many imports there are. A circle is a
set of rooms that all lead to each other. Floors are what remains as layers when each
circle counts as one room.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import grimp

__all__ = ["Folder", "folders", "picture", "report"]

PACKAGES = ("resolver", "simkernel")

Arrows = Mapping[str, frozenset[str]]
"""The rooms that each room imports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """What one folder holds, with its subfolders as single rooms."""

    name: str
    files: int
    """Python files directly in it."""
    lines: int
    rooms: Arrows
    circles: tuple[frozenset[str], ...]
    floors: int

    @property
    def arrows(self) -> int:
        """Return the number of arrows between its rooms."""
        return sum(len(ends) for ends in self.rooms.values())


def folders(checkout: Path, package: str) -> list[Folder]:
    """Return the folders of a package, the package itself first.

    :param checkout: directory that has the package.
    """
    sys.path.insert(0, str(checkout))
    try:
        graph = grimp.build_graph(package, cache_dir=None)
    finally:
        sys.path.remove(str(checkout))
    found = []
    for init in sorted((checkout / package).rglob("__init__.py")):
        where = init.parent
        sources = sorted(where.glob("*.py"))
        name = ".".join(where.relative_to(checkout).parts)
        rooms = picture(graph, name)
        circles = _circles(rooms)
        found.append(
            Folder(
                name=name,
                files=len(sources),
                lines=sum(one.read_bytes().count(b"\n") for one in sources),
                rooms=rooms,
                circles=tuple(one for one in circles if len(one) > 1),
                floors=_floors(rooms, circles),
            )
        )
    return found


def picture(graph: grimp.ImportGraph, folder: str) -> Arrows:
    """Return the rooms of a folder and the arrows between them."""
    inside = [one for one in graph.modules if f"{one}.".startswith(f"{folder}.")]
    room = {
        one: one[len(folder) + 1 :].partition(".")[0] or "__init__" for one in inside
    }
    arrows: dict[str, set[str]] = {one: set() for one in room.values()}
    for module in inside:
        for end in graph.find_modules_directly_imported_by(module):
            if end in room and room[end] != room[module]:
                arrows[room[module]].add(room[end])
    return {one: frozenset(ends) for one, ends in sorted(arrows.items())}


def _reached(arrows: Arrows, start: str) -> set[str]:
    found: set[str] = set()
    left = list(arrows[start])
    while left:
        room = left.pop()
        if room not in found:
            found.add(room)
            left.extend(arrows[room])
    return found


def _circles(arrows: Arrows) -> set[frozenset[str]]:
    reached = {room: _reached(arrows, room) for room in arrows}
    return {
        frozenset({room} | {end for end in reached[room] if room in reached[end]})
        for room in arrows
    }


def _floors(arrows: Arrows, circles: Iterable[frozenset[str]]) -> int:
    home = {room: circle for circle in circles for room in circle}
    below = {
        circle: {home[end] for room in circle for end in arrows[room]} - {circle}
        for circle in home.values()
    }
    height: dict[frozenset[str], int] = {}
    for circle in TopologicalSorter(below).static_order():
        height[circle] = 1 + max((height[one] for one in below[circle]), default=0)
    return max(height.values(), default=0)


def report(found: list[Folder]) -> str:
    """Return the tables of one package as text."""
    package, *_ = found
    lines = [
        f"{'folder':40} files  lines  rooms arrows floors circles",
        *(
            f"{one.name:40} {one.files:5} {one.lines:6} {len(one.rooms):6} "
            f"{one.arrows:6} {one.floors:6} {_circle_text(one)}"
            for one in found
        ),
        f"{'total':40} {sum(one.files for one in found):5} "
        f"{sum(one.lines for one in found):6}",
        "",
        f"arrows in {package.name}:",
        *(
            f"  {room} -> {', '.join(sorted(ends))}"
            for room, ends in package.rooms.items()
            if ends
        ),
    ]
    circles = [(one.name, circle) for one in found for circle in one.circles]
    for name, circle in circles:
        lines.append(f"circle in {name}: {', '.join(sorted(circle))}")
    return "\n".join(lines)


def _circle_text(folder: Folder) -> str:
    sizes = sorted((len(one) for one in folder.circles), reverse=True)
    return "    -" if not sizes else f"{'+'.join(map(str, sizes)):>5}"


def main(words: list[str]) -> int:
    """Print the report of a checkout."""
    checkout = Path(words[0] if words else ".").resolve()
    print("\n\n".join(report(folders(checkout, package)) for package in PACKAGES))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
