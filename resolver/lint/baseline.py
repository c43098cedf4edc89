"""Baselines: files of findings that lint does not report again. Pure."""

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
"""Check, module, and the alias, driver or dependency."""


def written(findings: Iterable[LintFinding]) -> bytes:
    """Return the content of a baseline, one finding a line."""
    keys = sorted({one.key for one in findings})
    lines = ",\n".join(
        "    " + json.dumps({"id": id_, "module": module, "about": about})
        for id_, module, about in keys
    )
    text = f'{{\n  "schema": "{SCHEMA}",\n  "findings": [\n{lines}\n  ]\n}}\n'
    return text.encode()


def read(data: bytes, path: str) -> frozenset[Key]:
    """Return the findings of a baseline.

    :param path: name of the file, for the error.
    :raises UsageError: the content is not a baseline.
    """
    try:
        document = json.loads(data)
        if document["schema"] != SCHEMA:
            raise ValueError(f"unknown schema {document['schema']!r}")
        return frozenset(
            (one["id"], one["module"], one["about"]) for one in document["findings"]
        )
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise UsageError(
            f"{path} is not a baseline: {problem}",
            hint="write one with `resolver lint --write-baseline FILE`",
        ) from None


def without(report: Report, keys: Collection[Key]) -> tuple[Report, int]:
    """Return a report without known findings, and the count of fixed ones."""
    known = tuple(one for one in report.findings if one.key in keys)
    new = tuple(one for one in report.findings if one.key not in keys)
    gone = len(set(keys) - {one.key for one in known})
    return replace(report, findings=new, known=known), gone
