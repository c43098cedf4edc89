"""``resolver explain``: what it prints for each device or modalias."""

from __future__ import annotations

from collections.abc import Sequence

from resolver.errors import ResolverError
from resolver.explanation import Explanation, explain, explain_modalias
from resolver.inspect.device_words import find_device
from resolver.linux import Host
from resolver.matching import modalias
from resolver.matching.alias_index import Aliases
from resolver.output import documents
from resolver.output import text as report
from resolver.output.console import Console

__all__ = ["explain_devices"]


def explain_devices(
    host: Host,
    aliases: Aliases,
    console: Console,
    texts: Sequence[str],
    *,
    as_json: bool,
) -> int:
    """Explain every device or modalias, and return the exit code."""
    objects, codes = [], []
    for text in texts:
        try:
            found = _explain_one(host, aliases, text)
        except ResolverError as error:
            codes.append(error.exit_code)
            objects.append(documents.error_object(text, None, error))
            error.about = text
            console.error(error)
            continue
        objects.append(documents.explanation_object(text, found))
        if not as_json:
            console.lines(report.explanation_lines(text, found))
    if as_json:
        console.document(documents.document("explain", devices=objects))
    return report.worst(codes)


def _explain_one(host: Host, aliases: Aliases, text: str) -> Explanation:
    if text.startswith(("pci:", "vfio_")) and ":v" in text:
        return explain_modalias(host, aliases, modalias.parse(text))
    return explain(host, aliases, find_device(host, text))
