"""A simulated host for one test."""

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
from simkernel.suggest import did_you_mean
from simkernel.testing.controls import Controls
from simkernel.testing.expected_changes import Expected, unexpected_changes
from simkernel.testing.kernel import SimKernel
from simkernel.testing.snapshot import Snapshot
from simkernel.testing.tier import TIERS, RunRequest, Tier

if TYPE_CHECKING:
    from simkernel.testing.fakefs_tier import FakefsTier
    from simkernel.testing.running_program import RunningProgram

__all__ = ["Sim"]


class Sim:
    """A simulated host that a test runs programs on.

    The fixture ``sim`` provides it; elsewhere use it as a context manager.

    :param scenario: name of a scenario, or path of a template.
    :param settings: values of its parameters.
    :param via: the tier; ``auto`` selects it at the first use.
    :param trace: file for a trace of all operations; see docs/testing.md.
    :raises UsageError: no such scenario, parameter or tier.
    :raises ScenarioError: the scenario is invalid.
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
            close = did_you_mean(via, TIERS)
            raise UsageError(f"via={via!r}: must be one of {', '.join(TIERS)}{close}")
        self._via = via
        self._name = fspath(scenario)
        self._settings = {key: _as_text(one) for key, one in (settings or {}).items()}
        self._trace = None if trace is None else Trace(trace)
        self._scenario = load(self._name, self._settings)
        self._host = self._fresh_host()
        self._controls = Controls(self._host)
        self._tier: Tier | None = None
        self._first: Snapshot | None = None
        self.kernel = SimKernel(self._call)

    def __repr__(self) -> str:
        """Return the host's name for a report."""
        settings = ", ".join(f"{k}={v}" for k, v in self._settings.items())
        return f"<Sim {self._name}({settings}) on {self.via or 'no tier yet'}>"

    def __enter__(self) -> Sim:
        """Return itself."""
        return self

    def __exit__(self, *unused: object) -> None:
        """Close the host."""
        self.close()

    def close(self) -> None:
        """Close the host; nothing of it remains."""
        if self._tier is not None:
            self._tier.close()
        if self._trace is not None:
            self._trace.close()

    @property
    def via(self) -> str | None:
        """The host's tier; None until the first use."""
        return self._tier.name if self._tier else None

    # ---- programs

    def run(
        self,
        argv: Sequence[str | PathLike[str]],
        *,
        input: str | None = None,  # noqa: A002  # as in subprocess.run
        env: Mapping[str, str] | None = None,
        cwd: str | PathLike[str] | None = None,
        check: bool = False,
        timeout: float | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program on the host to its end; parameters as for subprocess.run.

        :returns: ``returncode``, ``stdout`` and ``stderr`` as text, and ``args``.
        :raises UsageError: the tier cannot run the program.
        :raises CalledProcessError: with ``check``, the program failed.
        :raises TimeoutExpired: the program ran longer than ``timeout`` seconds.
        """
        request = RunRequest.of(argv, input, env, cwd, timeout)
        done = self._tier_for_programs().run(request)
        if check:
            done.check_returncode()
        return done

    def start(
        self,
        argv: Sequence[str | PathLike[str]],
        *,
        input: str | None = None,  # noqa: A002  # as in subprocess.run
        env: Mapping[str, str] | None = None,
        cwd: str | PathLike[str] | None = None,
    ) -> RunningProgram:
        """Start a program on the host; requires the fuse tier.

        As a context manager, it kills the program at the end of the block.

        :returns: the program, with ``is_running``, ``terminate()``,
            ``send_signal()`` and ``wait(timeout)``, which returns the same as
            :meth:`run`.
        :raises UsageError: the host is on another tier.
        """
        from simkernel.testing.fuse_tier import FuseTier

        tier = self._tier_for_programs()
        if not isinstance(tier, FuseTier):
            reason = _no_fuse() if self._via == "auto" else ""
            raise UsageError(
                "start() requires the fuse tier: fakefs runs programs in this process",
                hint=reason or "pass via='fuse' or --sim-via fuse",
            )
        return tier.start(RunRequest.of(argv, input, env, cwd, None))

    @contextmanager
    def inside(self, *folders: str | PathLike[str]) -> Iterator[None]:
        """Put this process on the host while the block runs; requires fakefs.

        :param folders: further real directories that stay readable, besides the
            code's and the working directory.
        :raises UsageError: the host is on another tier.
        """
        with self._fakefs("inside()").inside([Path(one).resolve() for one in folders]):
            yield

    # ---- queries

    def read(self, path: str) -> str:
        """Return the text of a file; see :meth:`SimKernel.read`."""
        return self.kernel.read(path)

    def driver_of(self, device: str) -> str | None:
        """Return the name of a device's driver; None: it has none."""
        return self.kernel.driver_of(device)

    def group_of(self, device: str) -> int | None:
        """Return the number of a device's IOMMU group; None: it has none."""
        return self.kernel.group_of(device)

    # ---- comparisons

    def tree(self) -> Snapshot:
        """Return every path of the kernel's file systems with its content."""
        return Snapshot(self._call("tree"))

    @property
    def first_tree(self) -> Snapshot:
        """The trees at the start of the test."""
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
        """Fail unless the trees changed exactly as expected.

        :param expected: path to its new content: a text, None (gone), ``...`` (any
            new content). A path may contain links; ``*`` matches any text, a ``/``
            at the end everything below. For a link, its last component is enough.
        :param since: an earlier :meth:`tree`; default: the start of the test.
        :param ignore: paths that may change in any way.
        :raises AssertionError: a change differs; the message has a unified diff.
        """
        __tracebackhide__ = True
        before = self.first_tree if since is None else since
        text = unexpected_changes(before, self.tree(), expected, ignore)
        if text:
            raise AssertionError(f"the host differs from what is expected\n{text}")

    def assert_unchanged(
        self, *, since: Snapshot | None = None, ignore: Iterable[str] = ()
    ) -> None:
        """Fail if anything in the trees changed.

        :raises AssertionError: something changed; the message has a unified diff.
        """
        __tracebackhide__ = True
        self.assert_changed({}, since=since, ignore=ignore)

    # ---- tiers

    def _fresh_host(self) -> Host:
        return boot_host(self._scenario, source=self._name)

    def _call(self, method: str, *arguments: Any) -> Any:
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
            reason = "by via='fuse'" if self._via == "fuse" else "since its first run()"
            raise UsageError(
                f"{what} requires the fakefs tier, but the host is on fuse {reason}",
                hint='pass via="fakefs" to the marker scenario or to Sim',
            )
        return self._tier


def _no_fuse() -> str:
    """Return why this machine does not support the fuse tier; empty: it does."""
    from simkernel.testing.fuse_tier import missing

    return missing()


def _as_text(value: object) -> str:
    """Return the value of a parameter as ``--set`` spells it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
