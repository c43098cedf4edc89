"""docs/rules.md and the code name the same rules, and every check exists."""

from __future__ import annotations

import json
import lzma
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
ID = re.compile(r"R-[A-Z]+-\d+")


def _rows() -> dict[str, list[str]]:
    lines = (ROOT / "docs" / "rules.md").read_text().splitlines()
    cells = [re.split(r" \| ", line.strip("| ")) for line in lines]
    return {row[0]: row for row in cells if ID.fullmatch(row[0])}


def _named_in_code() -> set[str]:
    texts = [path.read_text() for path in (ROOT / "simkernel").rglob("*.py")]
    return {name for text in texts for name in ID.findall(text)}


def _sections() -> set[str]:
    found = set()
    for path in (ROOT / "tests/data/golden").glob("linux-*/*.jsonl.xz"):
        for line in lzma.decompress(path.read_bytes()).splitlines():
            found.add(f"{path.name[:3]}: {json.loads(line)['sec']}")
    return found


def test_every_rule_of_the_code_is_written_down() -> None:
    """No refusal names a rule that nobody can look up."""
    assert set() == _named_in_code() - set(_rows())


def test_every_written_rule_is_in_the_code() -> None:
    """No rule describes something that the model does not do."""
    assert set() == set(_rows()) - _named_in_code()


def test_every_check_of_a_rule_exists() -> None:
    """What a rule is checked by is a recorded section or a test file."""
    sections = _sections()
    missing = [
        (rule, check)
        for rule, row in _rows().items()
        for check in re.split(r"; (?=b\d\d: |tests/)", row[3])
        if check not in sections and not (ROOT / check).is_file()
    ]

    assert missing == []


def test_every_rule_has_a_verdict_or_a_reason() -> None:
    """Releases of real kernels, or why no guest can show it."""
    verdict = re.compile(r"\d+(\.\d+)+(, \d+(\.\d+)+)*|none: \w.*")

    assert [
        rule for rule, row in _rows().items() if not verdict.fullmatch(row[4])
    ] == []
