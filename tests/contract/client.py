"""What a program sees of a host: the same code on every tier.

As a program it answers requests, JSON lines, until its input ends.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path

__all__ = ["attempt", "walk", "write"]

VF = "/sys/bus/pci/devices/0000:3b:00.2"


def write(path: str, data: bytes) -> int | str:
    """Open a file and write once; return the count or the error."""
    try:
        descriptor = os.open(path, os.O_WRONLY)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        return "FileNotFoundError" if missing else _named(error)
    try:
        return os.write(descriptor, data)
    except OSError as error:
        return _named(error)
    finally:
        os.close(descriptor)


def _named(error: OSError) -> str:
    return f"{type(error).__name__} {error.errno}"


def walk() -> dict[str, str]:
    """Return every path below ``/sys`` with its type and content."""
    found = {}
    pending = ["/sys"]
    while pending:
        path = pending.pop()
        for name in os.listdir(path):
            place = f"{path}/{name}"
            if os.path.islink(place):
                found[place] = f"-> {os.readlink(place)}"
            elif os.path.isdir(place):
                pending.append(place)
            else:
                found[place] = _file_seen(place)
    return found


def _file_seen(place: str) -> str:
    status = os.stat(place)
    seen = f"{status.st_mode & 0o7777:o} {status.st_size}"
    return f"{seen} {Path(place).read_bytes()!r}" if status.st_mode & 0o444 else seen


ATTEMPTS = {
    "write what is read only": lambda: open(f"{VF}/modalias", "w").close(),
    "read what is write only": lambda: open("/sys/bus/pci/drivers_probe").close(),
    "create a file": lambda: open("/sys/bus/pci/nosuch", "w").close(),
    "open what is not there": lambda: open("/sys/bus/pci/nosuch").close(),
    "make a directory": lambda: os.mkdir("/sys/bus/pci/nosuch"),
    "remove a directory": lambda: os.rmdir("/sys/bus/pci/slots"),
    "remove a file": lambda: os.unlink(f"{VF}/modalias"),
    "rename a file": lambda: os.rename(f"{VF}/modalias", f"{VF}/other"),
    "make a link": lambda: os.symlink("modalias", f"{VF}/other"),
    "read a directory": lambda: open("/sys/bus").close(),
    "list a file": lambda: os.listdir(f"{VF}/modalias"),
    "go through a file": lambda: os.close(os.open(f"{VF}/modalias/x", os.O_RDONLY)),
}


def attempt(name: str) -> str:
    """Try a refused operation; return class and errno of the refusal."""
    try:
        ATTEMPTS[name]()
    except OSError as error:
        return f"{type(error).__name__} {errno.errorcode[error.errno or 0]}"
    return "done"


def main() -> None:
    """Answer requests."""
    for line in sys.stdin:
        request = json.loads(line)
        answer: object
        if "write" in request:
            answer = write(request["write"], bytes.fromhex(request["data"]))
        elif "attempt" in request:
            answer = attempt(request["attempt"])
        else:
            answer = walk()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
