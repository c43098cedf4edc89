"""Findings that are known already, in a file beside the source.

Text in, a report without them out, and back.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Final

from resolver.errors import UsageError
from resolver.lint.check import LintFinding
from resolver.lint.judgement import Report

__all__ = ["SCHEMA", "Key", "read", "without", "written"]

SCHEMA: Final = "resolver-lint-baseline/1"

Key = tuple[str, str, str]
"""Check, module, and which alias, driver or dependency."""


def written(findings: Iterable[LintFinding]) -> bytes:
    """Return the file that has findings, one a line."""
    keys = sorted({one.key for one in findings})
    lines = ",\n".join(
        "    " + json.dumps({"id": id_, "module": module, "about": about})
        for id_, module, about in keys
    )
    text = f'{{\n  "schema": "{SCHEMA}",\n  "findings": [\n{lines}\n  ]\n}}\n'
    return text.encode()


def read(data: bytes, path: str) -> frozenset[Key]:
    """Return what a file has.

    :param path: what it is called.
    :raises UsageError: it is none of ours.
    """
    try:
        document = json.loads(data)
        if document["schema"] != SCHEMA:
            raise ValueError(f"its schema is {document['schema']!r}")
        return frozenset(
            (one["id"], one["module"], one["about"]) for one in document["findings"]
        )
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise UsageError(
            f"{path} is no baseline: {problem}",
            hint="resolver lint --write-baseline FILE writes one",
        ) from None


def without(report: Report, keys: Collection[Key]) -> tuple[Report, int]:
    """Take out of a report what is known.

    :return: and how many of those known were not found any more.
    """
    known = tuple(one for one in report.findings if one.key in keys)
    new = tuple(one for one in report.findings if one.key not in keys)
    gone = len(set(keys) - {one.key for one in known})
    return replace(report, findings=new, known=known), gone
