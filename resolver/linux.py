"""The host: files, kernel release, modprobe, time.

The only module that touches ``os``, ``subprocess`` or files. It knows where things
are and how to read and write them; it decides nothing.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable, Iterator

from resolver.errors import FailedError, RefusedError, UsageError

__all__ = ["Host", "discard_stdout"]

_CHUNK_BYTES = 1 << 20


class Host:
    """A Linux host, or what was captured of one.

    :param sys: where sysfs is; likewise ``proc``, ``etc`` and ``run``.
    :param modules: the directory with one directory for each kernel release.
    :param modprobe_d: directories of modprobe's configuration, the first one with
        a file of some name hides that file in the later ones.
    :param is_live: this is the running host; another one is only read.
    """

    def __init__(
        self,
        *,
        sys: str = "/sys",
        proc: str = "/proc",
        modules: str = "/lib/modules",
        etc: str = "/etc",
        run: str = "/run",
        modprobe_d: tuple[str, ...] = ("/usr/local/lib/modprobe.d", "/lib/modprobe.d"),
        is_live: bool = True,
    ) -> None:
        self.sys = sys
        self.proc = proc
        self.modules = modules
        self.modprobe_d = (f"{etc}/modprobe.d", f"{run}/modprobe.d", *modprobe_d)
        self.journal = f"{run}/resolver"
        self.is_live = is_live

    @classmethod
    def below(cls, root: str) -> Host:
        """Return the host whose file system is at ``root``; ``/`` is this one.

        :raises UsageError: there is no such directory.
        """
        if not os.path.isdir(root):
            raise UsageError(f"{root}: no such directory")
        base = os.path.abspath(root).rstrip("/")
        return cls(
            sys=f"{base}/sys",
            proc=f"{base}/proc",
            modules=f"{base}/lib/modules",
            etc=f"{base}/etc",
            run=f"{base}/run",
            modprobe_d=(f"{base}/usr/local/lib/modprobe.d", f"{base}/lib/modprobe.d"),
            is_live=not base,
        )

    def release(self) -> str | None:
        """Return the kernel release; of a captured host, the only one it has.

        ``None`` where a captured host has no kernel at all.

        :raises UsageError: a captured host has several.
        """
        if self.is_live:
            return os.uname().release
        releases = self.names(self.modules)
        if len(releases) > 1:
            raise UsageError(
                f"{self.modules} has several kernels: {', '.join(releases)}",
                hint="say which one with --kernel RELEASE",
            )
        return releases[0] if releases else None

    def read(self, path: str) -> bytes:
        """Return all that a file holds.

        :raises OSError: as the kernel says.
        """
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            chunks = []
            while chunk := os.read(descriptor, _CHUNK_BYTES):
                chunks.append(chunk)
        finally:
            os.close(descriptor)
        return b"".join(chunks)

    def read_if_there(self, path: str) -> bytes | None:
        """Return all that a file holds; ``None`` if there is no such file.

        :raises OSError: it is there and cannot be read.
        """
        try:
            return self.read(path)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def attribute(self, path: str) -> str | None:
        """Return the text of a sysfs attribute without its newline.

        Bytes that are no UTF-8 become lone surrogates, and ``write`` turns them
        back. ``None`` if there is no such attribute, or no device any more.
        """
        try:
            data = self.read(path)
        except OSError as problem:
            # ENODEV: the device went away between open and read.
            gone = (errno.ENOENT, errno.ENOTDIR, errno.ENODEV)
            if problem.errno in gone:
                return None
            raise
        return data.decode("utf-8", "surrogateescape").removesuffix("\n")

    def names(self, directory: str) -> list[str]:
        """Return the sorted names in a directory; none if it is not there."""
        try:
            return sorted(os.listdir(directory))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def link_name(self, path: str) -> str | None:
        """Return the last component of where a link points; ``None`` without link."""
        try:
            return os.readlink(path).rstrip("/").rpartition("/")[2]
        except OSError as problem:
            if problem.errno in (errno.ENOENT, errno.ENOTDIR, errno.EINVAL):
                return None
            raise

    def is_there(self, path: str) -> bool:
        """Return whether there is anything of that name."""
        return os.path.exists(path)

    def real_path(self, path: str) -> str:
        """Return a path with every link followed."""
        return os.path.realpath(path)

    def is_writable(self, path: str) -> bool:
        """Return whether this process may write a file, by opening it.

        Modes do not tell all: the file system may be mounted read-only.
        """
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CLOEXEC))
        except OSError:
            return False
        return True

    def write(self, path: str, text: str) -> None:
        """Give a sysfs file one command, in one write.

        It is opened without O_CREAT: a wrong name is an error, never a new file.

        :raises OSError: as the kernel says.
        :raises RefusedError: this is a captured host.
        """
        self.require_live()
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, text.encode("utf-8", "surrogateescape"))
        finally:
            os.close(descriptor)

    def require_live(self) -> None:
        """Refuse to change a captured host.

        :raises RefusedError: this is one.
        """
        if not self.is_live:
            raise RefusedError(
                "a captured host is only read: nothing was changed",
                rule="captured-host",
                hint="leave --root away, or look with explain",
            )

    def replace_file(self, path: str, data: bytes) -> None:
        """Write a file of our own so that it is there whole or not at all.

        The data reach the disk before the name does.

        :raises OSError: as the kernel says; no file is left behind.
        """
        self.require_live()
        directory, _, name = path.rpartition("/")
        os.makedirs(directory, mode=0o755, exist_ok=True)
        new = f"{directory}/.{name}.{os.getpid()}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(new, flags, 0o644)
        try:
            try:
                os.write(descriptor, data)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.rename(new, path)
        except BaseException:
            os.unlink(new)
            raise

    def remove_file(self, path: str) -> None:
        """Remove a file of our own; it need not be there."""
        self.require_live()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)

    def modprobe(self, module: str) -> tuple[int, str]:
        """Ask the system's modprobe for a module.

        ``-b`` lets a blacklist hold for a name as it does for an alias. Exit code
        0 does not mean that the module is loaded.

        :param module: a checked name.
        :return: exit code, and what it said on stderr.
        :raises FailedError: there is no modprobe on PATH.
        """
        # Costs a tenth of the start of a command that loads nothing.
        import subprocess

        self.require_live()
        try:
            done = subprocess.run(
                ["modprobe", "-b", "--", module],
                check=False,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
            )
        except FileNotFoundError:
            raise FailedError(
                f"cannot load module {module}: there is no modprobe on PATH",
                hint="install kmod, or add /sbin to PATH",
            ) from None
        return done.returncode, done.stderr.strip()

    def wait(self, is_done: Callable[[], bool], timeout_s: float) -> bool:
        """Ask again until it is done or the time is over; return whether it is."""
        deadline = time.monotonic() + timeout_s
        while not is_done():
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)
        return True

    @contextlib.contextmanager
    def uninterrupted(self) -> Iterator[None]:
        """Let no Ctrl-C come between the steps of putting a device back."""
        # Costs a twentieth of the start of a command that changes nothing.
        import signal

        try:
            previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
        except ValueError:
            yield  # Not the main thread, to which alone Ctrl-C is delivered.
            return
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, previous)


def discard_stdout() -> None:
    """Send what is still to be printed nowhere: the reader has gone away.

    Without it the interpreter would complain when it flushes stdout at its end.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
