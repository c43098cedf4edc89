"""The library that serves the fuse tier, and pyfuse3: the same small file system.

Each serves one directory with many files and a link, with no time to keep anything, as
docs/decisions.md wants to know (D-0027). The peer: ``pip install pyfuse3``, which takes
libfuse3-dev, pkg-config and a compiler.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator

from benchmarks.harness import MissingPeerError, Result, python

__all__ = ["measure"]

ENTRIES = 20_000
ROUNDS = 3_000
NAMES = {
    "stat": "stat",
    "read": "open, read and close",
    "link": "readlink",
    "list": f"list {ENTRIES:,} entries",
    "cpu": "processor of the server, for open, read and close",
}

_MFUSEPY = """
import mfusepy
class Server(mfusepy.Operations):
    use_ns = True
    def init_with_config(self, connection, config):
        connection.want &= ~(3 << 13)
        config.direct_io = config.nullpath_ok = 1
        config.attr_timeout = config.entry_timeout = config.negative_timeout = 0.0
    def getattr(self, path, fh=None):
        mode = MODES.get(path[:2] if path else "/f")
        if mode is None:
            raise OSError(2, "No such file or directory")
        return {"st_mode": mode, "st_nlink": 1, "st_size": 4096}
    def opendir(self, path):
        return 0
    def readdir(self, path, fh):
        return iter(LISTED)
    def open(self, path, flags):
        return 0
    def read(self, path, size, offset, fh):
        return TEXT[offset:offset + size]
    def readlink(self, path):
        return "target"
def serve():
    mfusepy.FUSE(Server(), FOLDER, foreground=True, nothreads=True)
"""
_PYFUSE3 = """
import errno, pyfuse3, trio
NUMBERS = {name.encode(): number for number, name in enumerate(LISTED, 2)}
KINDS = {1: "/", **{number: "/" + name.decode()[0] for name, number in NUMBERS.items()}}
class Server(pyfuse3.Operations):
    async def getattr(self, inode, ctx=None):
        found = pyfuse3.EntryAttributes()
        found.st_ino, found.st_mode, found.st_size = inode, MODES[KINDS[inode]], 4096
        found.attr_timeout = found.entry_timeout = 0
        return found
    async def lookup(self, parent, name, ctx=None):
        if name not in NUMBERS:
            raise pyfuse3.FUSEError(errno.ENOENT)
        return await self.getattr(NUMBERS[name])
    async def opendir(self, inode, ctx):
        return 1
    async def readdir(self, fh, start, token):
        for number, name in enumerate(LISTED[start:], start):
            about = await self.getattr(number + 2)
            if not pyfuse3.readdir_reply(token, name.encode(), about, number + 1):
                return
    async def open(self, inode, flags, ctx):
        return pyfuse3.FileInfo(fh=inode, direct_io=True)
    async def read(self, fh, offset, size):
        return TEXT[offset:offset + size]
    async def readlink(self, inode, ctx):
        return b"target"
def serve():
    pyfuse3.init(Server(), FOLDER, {"fsname=benchmark"})
    trio.run(pyfuse3.main)
"""
_AROUND = """
import json, os, statistics, sys, time
FOLDER, ENTRIES, ROUNDS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
MODES = {"/": 0o40755, "/f": 0o100444, "/l": 0o120777}
LISTED, TEXT = ["l", *(f"f{number}" for number in range(ENTRIES - 1))], b"0x15b3\\n"
exec(sys.argv[4])
server = os.fork()
if server == 0:
    serve()
    os._exit(0)
while not os.path.exists(f"{FOLDER}/f0"):
    time.sleep(0.01)

def median_us(action, rounds=ROUNDS):
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1e6

def read():
    number = os.open(f"{FOLDER}/f7", os.O_RDONLY)
    assert os.read(number, 4096) == TEXT
    os.close(number)

def cpu_s():
    with open(f"/proc/{server}/stat") as file:
        return sum(map(int, file.read().split()[13:15])) / os.sysconf("SC_CLK_TCK")

found = {"stat": median_us(lambda: os.stat(f"{FOLDER}/f7"))}
before = cpu_s()
found["read"] = median_us(read)
found["cpu"] = (cpu_s() - before) / ROUNDS * 1e6
found["link"] = median_us(lambda: os.readlink(f"{FOLDER}/l"))
found["list"] = median_us(lambda: os.listdir(FOLDER), 5)
print(json.dumps(found))
os.kill(server, 9)
os.waitpid(server, 0)
"""


def measure() -> Iterator[Result]:
    """Yield each operation's time with both libraries."""
    if importlib.util.find_spec("pyfuse3") is None:
        raise MissingPeerError("pyfuse3 is not here (pip install pyfuse3)")
    if shutil.which("unshare") is None:
        raise MissingPeerError("unshare is not here (apt: util-linux)")
    ours, peer = _times(_MFUSEPY), _times(_PYFUSE3)
    for name, subject in NAMES.items():
        yield Result(
            subject=f"FUSE library: {subject}",
            ours=f"mfusepy {ours[name]:,.0f} us",
            peer=f"pyfuse3 {peer[name]:,.0f} us",
            ratio=ours[name] / peer[name],
            target="<= 1",
            is_ok=ours[name] <= peer[name],
        )


def _times(server: str) -> dict[str, float]:
    """Return what a program found out in namespaces of its own."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["unshare", "--user", "--map-root-user", "--mount", python(), "-c"]
        arguments = [folder, str(ENTRIES), str(ROUNDS), server]
        done = subprocess.run(
            [*words, _AROUND, *arguments], check=True, capture_output=True, text=True
        )
    found: dict[str, float] = json.loads(done.stdout)
    return found
