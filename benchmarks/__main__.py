"""Run every subject, or those whose names hold one of the words given.

``python -m benchmarks [WORD...]``. A subject is a module of this package with a
function ``measure() -> Iterable[Result]``.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys

import benchmarks
from benchmarks.harness import MissingPeerError, print_results


def main(words: list[str]) -> int:
    """Print the table; return 1 if a target was missed."""
    results, missing = [], []
    for found in pkgutil.iter_modules(benchmarks.__path__):
        if words and not any(word in found.name for word in words):
            continue
        module = importlib.import_module(f"benchmarks.{found.name}")
        measure = getattr(module, "measure", None)
        if measure is None:
            continue
        try:
            results.extend(measure())
        except MissingPeerError as problem:
            missing.append(f"{found.name}: not measured: {problem}")
    print_results(results)
    for line in missing:
        print(line)
    return 0 if all(result.is_ok for result in results) else 1


sys.exit(main(sys.argv[1:]))
