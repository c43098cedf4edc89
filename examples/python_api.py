"""Bind a virtual function, use it, and restore it even after an error.

Run as root: ``python python_api.py 0000:3b:00.2``.
"""

from __future__ import annotations

import sys

import resolver


def use(address: str) -> int:
    """Bind a device, use it, restore it, and return an exit code."""
    with resolver.Session() as session:
        explained = session.explain(address)
        print(f"{explained.device} would get {explained.choice.module}")
        outcome = session.bind(address)
        device = session.find(address)
        print(f"{device.name} has {outcome.driver}, group {device.iommu_group}")
        # A virtual machine or a user-space driver would open the device here.
    print(f"{device.name} has {session.find(address).binding.driver} again")
    return 0


def main() -> int:
    """Bind the device on the command line."""
    try:
        return use(sys.argv[1])
    except resolver.ResolverError as problem:
        print(f"{problem}; {problem.hint}", file=sys.stderr)
        return problem.exit_code


if __name__ == "__main__":
    sys.exit(main())
