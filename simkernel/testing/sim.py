"""One simulated host, for one test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simkernel.errors import UsageError
from simkernel.fronts.tracing.trace import Trace
from simkernel.host.boot import boot_host
from simkernel.host.host import Host
from simkernel.scenario.render import load
from simkernel.testing.controls import Controls
from simkernel.testing.expectation import Expected, complaint
from simkernel.testing.kernel import SimKernel
from simkernel.testing.snapshot import Snapshot
from simkernel.testing.tier import TIERS, Command, Tier

if TYPE_CHECKING:
    from simkernel.testing.fakefs_tier import FakefsTier
    from simkernel.testing.running import Running

__all__ = ["Sim"]


class Sim:
    """A simulated host that a test runs programs on.

    The fixture ``sim`` makes it; elsewhere it is a context manager.

    :param scenario: name of a scenario, or path of a template.
    :param settings: values of its parameters.
    :param via: the tier; ``auto`` is decided by what the test does first.
    :param trace: file for every operation of the programs; see docs/testing.md.
    :raises UsageError: no such scenario, parameter or tier.
    :raises ScenarioError: the scenario is wrong.
    """

    def __init__(
        self,
        scenario: str | PathLike[str],
        settings: Mapping[str, object] | None = None,
        *,
        via: str = "auto",
        trace: Path | None = None,
    ) -> None:
        if via not in TIERS:
            raise UsageError(f"via={via!r}: must be one of {', '.join(TIERS)}")
        self._via = via
        self._name = fspath(scenario)
        self._settings = {key: _as_text(one) for key, one in (settings or {}).items()}
        self._trace = None if trace is None else Trace(trace)
        self._scenario = load(self._name, self._settings)
        self._host = self._fresh_host()
        self._controls = Controls(self._host)
        self._tier: Tier | None = None
        self._first: Snapshot | None = None
        self.kernel = SimKernel(self._ask)

    def __repr__(self) -> str:
        """Return what names the host in a report."""
        settings = ", ".join(f"{k}={v}" for k, v in self._settings.items())
        return f"<Sim {self._name}({settings}) on {self.via or 'no tier yet'}>"

    def __enter__(self) -> Sim:
        """Return itself."""
        return self

    def __exit__(self, *unused: object) -> None:
        """Let go of the host."""
        self.close()

    def close(self) -> None:
        """Let go of the host; nothing of it remains."""
        if self._tier is not None:
            self._tier.close()
        if self._trace is not None:
            self._trace.close()

    @property
    def via(self) -> str | None:
        """The tier that the host is on; None, as long as nothing ran on it."""
        return self._tier.name if self._tier else None

    # ---- programs

    def run(
        self,
        argv: Sequence[str | PathLike[str]],
        *,
        input: str | None = None,  # noqa: A002  # the name that subprocess.run has for it
        env: Mapping[str, str] | None = None,
        cwd: str | PathLike[str] | None = None,
        check: bool = False,
        timeout: float | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program on the host to its end; the parameters are subprocess.run's.

        :returns: ``returncode``, ``stdout`` and ``stderr`` as text, and ``args``.
        :raises UsageError: the tier cannot run it.
        :raises CalledProcessError: ``check``, and it failed.
        :raises TimeoutExpired: it took longer than ``timeout`` seconds.
        """
        command = Command.of(argv, input, env, cwd, timeout)
        done = self._tier_for_programs().run(command)
        if check:
            done.check_returncode()
        return done

    def start(
        self,
        argv: Sequence[str | PathLike[str]],
        *,
        input: str | None = None,  # noqa: A002  # the name that subprocess.run has for it
        env: Mapping[str, str] | None = None,
        cwd: str | PathLike[str] | None = None,
    ) -> Running:
        """Start a program on the host and go on; it needs the fuse tier.

        Used as a context manager, the program is ended with the block.

        :returns: something with ``is_running``, ``terminate()``, ``send_signal()`` and
            ``wait(timeout)``, which returns what :meth:`run` returns.
        :raises UsageError: the host is on another tier.
        """
        from simkernel.testing.fuse_tier import FuseTier

        tier = self._tier_for_programs()
        if not isinstance(tier, FuseTier):
            reason = _no_fuse() if self._via == "auto" else ""
            raise UsageError(
                "start(): on the fakefs tier a program is over before its test goes "
                f"on; fuse is needed (via='fuse', or --sim-via fuse). {reason}"
            )
        return tier.start(Command.of(argv, input, env, cwd, None))

    @contextmanager
    def inside(self, *folders: str | PathLike[str]) -> Iterator[None]:
        """Have this process itself on the host while the block runs.

        :param folders: real directories that stay readable, beside the code's and
            the working directory.
        :raises UsageError: the host is on another tier.
        """
        with self._fakefs("inside()").inside([Path(one).resolve() for one in folders]):
            yield

    # ---- look

    def read(self, path: str) -> str:
        """Return the text of a file, as :meth:`SimKernel.read` does."""
        return self.kernel.read(path)

    def driver_of(self, device: str) -> str | None:
        """Return the name of a device's driver, None while it has none."""
        return self.kernel.driver_of(device)

    def group_of(self, device: str) -> int | None:
        """Return the number of a device's IOMMU group, None if it has none."""
        return self.kernel.group_of(device)

    # ---- compare

    def tree(self) -> Snapshot:
        """Return every path of the kernel's file systems with what it holds now."""
        return Snapshot(self._ask("tree"))

    @property
    def first_tree(self) -> Snapshot:
        """The tree as it was when the test began."""
        if self._first is None:
            host = self._fresh_host()
            self._first = Snapshot(Controls(host).tree())
            self._first.number = 0
        return self._first

    def assert_changed(
        self,
        expected: Expected,
        *,
        since: Snapshot | None = None,
        ignore: Iterable[str] = (),
    ) -> None:
        """Fail unless the tree changed as expected, and nowhere else.

        :param expected: path to what it holds now: a text, None (gone), ``...``
            (anything new). A path may lead through links; ``*`` stands for anything,
            a ``/`` at the end for all below. For a link its last name is enough.
        :param since: an earlier :meth:`tree`; without, the start of the test.
        :param ignore: paths at which anything may happen.
        :raises AssertionError: with a unified diff of what is different.
        """
        __tracebackhide__ = True
        before = self.first_tree if since is None else since
        text = complaint(before, self.tree(), expected, ignore)
        if text:
            raise AssertionError(f"the host is not as expected\n{text}")

    def assert_unchanged(
        self, *, since: Snapshot | None = None, ignore: Iterable[str] = ()
    ) -> None:
        """Fail if anything in the tree changed.

        :raises AssertionError: with a unified diff of what is different.
        """
        __tracebackhide__ = True
        self.assert_changed({}, since=since, ignore=ignore)

    # ---- tiers

    def _fresh_host(self) -> Host:
        return boot_host(self._scenario, source=self._name)

    def _ask(self, method: str, *arguments: Any) -> Any:
        with nullcontext() if self._tier is None else self._tier.kernel_lock():
            return getattr(self._controls, method)(*arguments)

    def _tier_for_programs(self) -> Tier:
        if self._tier is None:
            if self._via == "fuse" or (self._via == "auto" and not _no_fuse()):
                from simkernel.testing.fuse_tier import FuseTier

                self._tier = FuseTier(self._host, self._trace)
            else:
                self._fakefs("run()")
        assert self._tier is not None
        return self._tier

    def _fakefs(self, what: str) -> FakefsTier:
        from simkernel.testing.fakefs_tier import FakefsTier

        if self._tier is None and self._via != "fuse":
            self._tier = FakefsTier(self._host, self._trace)
        if not isinstance(self._tier, FakefsTier):
            reason = "as asked for" if self._via == "fuse" else "since its first run()"
            raise UsageError(
                f"{what} needs the fakefs tier, but this host is on fuse, {reason}; "
                'say @pytest.mark.scenario(..., via="fakefs")'
            )
        return self._tier


def _no_fuse() -> str:
    """Return why there is no fuse tier here; empty: there is."""
    from simkernel.testing.fuse_tier import missing

    return missing()


def _as_text(value: object) -> str:
    """Return the value of a parameter as ``--set`` has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
