"""Looks for files on which lint fails: ``python -m tests.lint.fuzz SECONDS``.

It prints how many it tried. A file on which it fails, made as small as it goes, is
written to ``tests/data/lint-corpus``, and the test of the corpus fails from then on.
"""

from __future__ import annotations

import hashlib
import sys
import time
import traceback

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.garbage import CORPUS, garbage, look_at, seeds

EXAMPLES = 500
"""So many from one seed, before the time is looked at."""


class Search:
    """Garbage, tried until something fails or the time is over."""

    def __init__(self) -> None:
        self.count = 0
        self.slowest_s = 0.0
        self._last = b""
        self._corpus = seeds()

    def run(self, seconds: float) -> bool:
        """Return whether all went well."""
        end = time.monotonic() + seconds
        number = 0
        while time.monotonic() < end:
            number += 1
            try:
                self._some(number)
            except Exception:
                traceback.print_exc()
                name = f"found-{hashlib.sha256(self._last).hexdigest()[:12]}.ko"
                (CORPUS / name).write_bytes(self._last)
                print(f"written: {CORPUS / name}")
                return False
        return True

    def _some(self, number: int) -> None:
        @seed(number)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(garbage(self._corpus))
        def search(data: bytes) -> None:
            self._last = data
            self.count += 1
            start = time.monotonic()
            look_at(data)
            self.slowest_s = max(self.slowest_s, time.monotonic() - start)

        search()


if __name__ == "__main__":
    limit_s = float(sys.argv[1]) if len(sys.argv) > 1 else 300.0
    found = Search()
    is_well = found.run(limit_s)
    print(
        f"{found.count:,} files in {limit_s:g} s, the slowest {found.slowest_s:.2f} s"
    )
    sys.exit(0 if is_well else 1)
