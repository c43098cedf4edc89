"""Report the parts of the host that are not visible.

Pure: facts in, findings out.
"""

from __future__ import annotations

from collections.abc import Iterator

from resolver.doctor.facts import Facts
from resolver.doctor.finding import Finding

__all__ = ["check"]


def check(facts: Facts) -> Iterator[Finding]:
    """Yield what is hidden, so that a use of a device may be overlooked."""
    for text in facts.unseen:
        yield Finding(
            id="host-hidden",
            severity="note",
            message=f"{text}: uses of devices may be overlooked",
            advice=("run resolver as root, in the namespaces of the host",),
        )
