"""Compares every supported scenario on the simulated and an installed kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from simkernel.conformance.comparison import Comparison
from simkernel.conformance.model_executor import ModelExecutor
from simkernel.conformance.program import Program, written_programs
from simkernel.conformance.recorded_answers import RecordedAnswers
from simkernel.conformance.report import Report
from simkernel.conformance.verification import Verification
from simkernel.errors import UsageError
from simkernel.fronts.vm.guest_executor import GuestExecutor
from simkernel.fronts.vm.machine.installed_kernel import InstalledKernel
from simkernel.fronts.vm.machine.topology import plan_machines
from simkernel.fronts.vm.modules.directory import module_directory
from simkernel.fronts.vm.scenario.select_kernel import load_for
from simkernel.fronts.vm.scenario.support import refusals, supported_part
from simkernel.scenario.render import installed
from simkernel.scenario.schema import Scenario

__all__ = ["VerifyOptions", "verify_on"]

_UNSUPPORTED = {
    "golden_lab": "some of its modules are needed by the guest itself",
    "virtio_vfio_pci": "its virtio-pci is the guest's own, which cannot probe "
    "functions without registers",
}
"""Scenarios whose start differs in a guest: name to reason."""

_SMALLER_SETTINGS = {"many_vfs": {"pfs": "2", "vfs": "3"}}
"""Settings that shrink large scenarios: name to settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOptions:
    """Options of a verification."""

    operations: int
    """Number of random operations, summed over all scenarios."""
    seed: int
    names: tuple[str, ...] = ()
    """Scenarios to compare; empty: all installed ones."""
    record: Path | None = None
    """Directory for recorded answers; None: nothing is recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A scenario with its settings and its written programs."""

    name: str
    settings: Mapping[str, str]
    scenario: Scenario
    programs: tuple[Program, ...] = ()
    is_whole: bool = True
    """False: only the written programs run on it."""

    @property
    def title(self) -> str:
        """Name and settings as on a command line."""
        return " ".join(
            [self.name, *(f"--set {key}={one}" for key, one in self.settings.items())]
        )


def verify_on(
    kernel: InstalledKernel,
    options: VerifyOptions,
    *,
    progress: Callable[[str], None],
    note: Callable[[str], None],
) -> Report:
    """Compare the simulated kernel with an installed one.

    :param progress: receives the current step as text.
    :param note: receives each scenario that is left out, with the reason.
    :raises UsageError: a requirement is not installed, or a scenario does not exist.
    :raises GuestError: the guest does not boot.
    """
    if options.operations and find_spec("hypothesis") is None:
        raise UsageError(
            "Hypothesis is not installed, so no random programs can be drawn",
            hint="run pip install 'simkernel[vm]', or pass --ops 0",
        )
    report = Report(release=kernel.release, seed=options.seed)
    cases = _supported_cases(kernel, options, report, progress)
    for name, reason in report.left_out.items():
        note(f"leaving out {name}: {reason}")
    machines = plan_machines([one.scenario for one in cases])
    with GuestExecutor(kernel, machines, progress) as executor:
        comparison = Comparison(ModelExecutor(), executor)
        verification = Verification(comparison, report, progress, note)
        for _, scenarios in machines:
            here = [one for one in cases if _is_among(one.scenario, scenarios)]
            share = options.operations * len(here) // len(cases)
            for case in here:
                comparison.recording = _recording(case) if options.record else None
                _run(verification, case)
                if options.record and comparison.recording:
                    _write(comparison.recording, executor.version, options.record)
            comparison.recording = None
            drawn = {one.title: one.scenario for one in here if one.is_whole}
            verification.run_random(drawn, share, options.seed)
        report.boots, report.boot_s = executor.boots, executor.boot_s
        report.version = executor.version
    return verification.finish()


def _run(verification: Verification, case: _Case) -> None:
    """Run the written and systematic programs."""
    for program in case.programs:
        verification.run_written(case.title, case.scenario, program)
    if case.is_whole:
        verification.run_systematic(case.title, case.scenario)


def _recording(case: _Case) -> RecordedAnswers:
    return RecordedAnswers(
        scenario=case.name,
        settings=case.settings,
        release=case.scenario.kernel.release,
    )


def _write(recording: RecordedAnswers, version: str, folder: Path) -> None:
    """Write the recorded answers to a file.

    :param version: source version of the kernel.
    """
    recording.version = version
    settings = [f"{key}={one}" for key, one in recording.settings.items()]
    name = ".".join([recording.scenario, *settings])
    folder.mkdir(parents=True, exist_ok=True)
    recording.write(folder / f"{version}.{name}.jsonl.xz")


def _supported_cases(
    kernel: InstalledKernel,
    options: VerifyOptions,
    report: Report,
    progress: Callable[[str], None],
) -> list[_Case]:
    """Return the supported scenarios; add the others to the report."""
    found = []
    for case in _cases(kernel, options):
        reason = _UNSUPPORTED.get(case.name, "")
        reason = reason or _refusal(case.scenario, kernel, progress)
        if reason:
            report.left_out[case.title] = reason
        else:
            report.scenarios.append(case.title)
            found.append(case)
    if not found:
        raise UsageError("no guest supports any of these scenarios")
    return found


def _cases(kernel: InstalledKernel, options: VerifyOptions) -> Iterator[_Case]:
    """Yield each scenario, and each further setting that a written program needs."""
    names = options.names or tuple(installed())
    settings = {name: _SMALLER_SETTINGS.get(name, {}) for name in names}
    written = [one for one in written_programs().values() if one.scenario in names]
    for name, chosen in settings.items():
        programs = [
            one for one in written if one.scenario == name and one.settings == chosen
        ]
        yield _case(kernel, name, chosen, programs)
    for program in written:
        if program.settings != settings[program.scenario]:
            case = _case(kernel, program.scenario, program.settings, [program])
            yield replace(case, is_whole=False)


def _case(
    kernel: InstalledKernel,
    name: str,
    settings: Mapping[str, str],
    programs: Sequence[Program],
) -> _Case:
    scenario = supported_part(load_for(name, settings, kernel.release))
    return _Case(
        name=name, settings=settings, scenario=scenario, programs=tuple(programs)
    )


def _refusal(
    scenario: Scenario, kernel: InstalledKernel, progress: Callable[[str], None]
) -> str:
    """Return why a guest cannot run a scenario; empty: it can."""
    problems = refusals(scenario)
    if problems:
        return problems[0]
    if not scenario.devices:
        return "it has no PCI functions"
    behind = {one.secondary_bus for one in scenario.devices if one.secondary_bus}
    for one in scenario.devices:
        if one.secondary_bus and one.address.split(":")[1] in behind:
            return f"{one.address}: all functions behind a QEMU switch share a group"
    if module_directory(scenario, kernel, progress).preloaded:
        return "its built-in modules are loadable ones in the guest"
    return ""


def _is_among(scenario: Scenario, others: Sequence[Scenario]) -> bool:
    return any(scenario is one for one in others)
