"""Every scenario that a guest can have, judged on an installed kernel."""

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
    "golden_lab": "some of its modules are those by which the guest lives",
    "virtio_vfio_pci": "its virtio-pci is the guest's own, which cannot probe "
    "functions without registers",
}
"""Scenarios that start otherwise in a guest: name and why."""

_SMALLER_SETTINGS = {"many_vfs": {"pfs": "2", "vfs": "3"}}
"""Scenarios that are too large as they stand: name and settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOptions:
    """What is to be verified."""

    operations: int
    """Random operations, on all scenarios together."""
    seed: int
    names: tuple[str, ...] = ()
    """Scenarios; none: all that are installed."""
    record: Path | None = None
    """Directory for recordings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """A scenario with its settings, and what is played on it besides."""

    name: str
    settings: Mapping[str, str]
    scenario: Scenario
    programs: tuple[Program, ...] = ()
    is_whole: bool = True
    """All is played on it; else only the written programs."""

    @property
    def title(self) -> str:
        """Name and settings, as a command line has them."""
        return " ".join(
            [self.name, *(f"--set {key}={one}" for key, one in self.settings.items())]
        )


def verify_on(
    kernel: InstalledKernel,
    wanted: VerifyOptions,
    *,
    progress: Callable[[str], None],
    note: Callable[[str], None],
) -> Report:
    """Compare the simulated kernel with an installed one.

    :param progress: told what is going on.
    :param note: told what is left out, and why.
    :raises UsageError: something is not installed, or there is no such scenario.
    :raises GuestError: the guest does not boot.
    """
    if wanted.operations and find_spec("hypothesis") is None:
        raise UsageError(
            "random programs need Hypothesis, which is not installed: pip install "
            "'simkernel[vm]', or say --ops 0"
        )
    report = Report(release=kernel.release, seed=wanted.seed)
    subjects = _possible(kernel, wanted, report, progress)
    for name, reason in report.left_out.items():
        note(f"{name} is left out: {reason}")
    machines = plan_machines([one.scenario for one in subjects])
    with GuestExecutor(kernel, machines, progress) as player:
        judge = Comparison(ModelExecutor(), player)
        verification = Verification(judge, report, progress, note)
        for _, scenarios in machines:
            here = [one for one in subjects if _is_among(one.scenario, scenarios)]
            share = wanted.operations * len(here) // len(subjects)
            for subject in here:
                judge.recording = _recording(subject) if wanted.record else None
                _play(verification, subject)
                if wanted.record and judge.recording:
                    _keep(judge.recording, player.version, wanted.record)
            judge.recording = None
            drawn = {one.title: one.scenario for one in here if one.is_whole}
            verification.run_random(drawn, share, wanted.seed)
        report.boots, report.boot_s = player.boots, player.boot_s
        report.version = player.version
    return verification.finish()


def _play(verification: Verification, subject: _Subject) -> None:
    """Play the programs that are always the same."""
    for program in subject.programs:
        verification.run_written(subject.title, subject.scenario, program)
    if subject.is_whole:
        verification.run_systematic(subject.title, subject.scenario)


def _recording(subject: _Subject) -> RecordedAnswers:
    return RecordedAnswers(
        scenario=subject.name,
        settings=subject.settings,
        release=subject.scenario.kernel.release,
    )


def _keep(recording: RecordedAnswers, version: str, folder: Path) -> None:
    """Write what the kernel answered.

    :param version: of the kernel.
    """
    recording.version = version
    settings = [f"{key}={one}" for key, one in recording.settings.items()]
    name = ".".join([recording.scenario, *settings])
    folder.mkdir(parents=True, exist_ok=True)
    recording.write(folder / f"{version}.{name}.jsonl.xz")


def _possible(
    kernel: InstalledKernel,
    wanted: VerifyOptions,
    report: Report,
    progress: Callable[[str], None],
) -> list[_Subject]:
    """Return what a guest can have; the report is told of the rest."""
    found = []
    for subject in _subjects(kernel, wanted):
        reason = _UNSUPPORTED.get(subject.name, "")
        reason = reason or _obstacle(subject.scenario, kernel, progress)
        if reason:
            report.left_out[subject.title] = reason
        else:
            report.scenarios.append(subject.title)
            found.append(subject)
    if not found:
        raise UsageError("no guest can have any of these scenarios")
    return found


def _subjects(kernel: InstalledKernel, wanted: VerifyOptions) -> Iterator[_Subject]:
    """Yield each scenario, and each other setting that a written program needs."""
    names = wanted.names or tuple(installed())
    settings = {name: _SMALLER_SETTINGS.get(name, {}) for name in names}
    written = [one for one in written_programs().values() if one.scenario in names]
    for name, chosen in settings.items():
        programs = [
            one for one in written if one.scenario == name and one.settings == chosen
        ]
        yield _subject(kernel, name, chosen, programs)
    for program in written:
        if program.settings != settings[program.scenario]:
            subject = _subject(kernel, program.scenario, program.settings, [program])
            yield replace(subject, is_whole=False)


def _subject(
    kernel: InstalledKernel,
    name: str,
    settings: Mapping[str, str],
    programs: Sequence[Program],
) -> _Subject:
    scenario = supported_part(load_for(name, settings, kernel.release))
    return _Subject(
        name=name, settings=settings, scenario=scenario, programs=tuple(programs)
    )


def _obstacle(
    scenario: Scenario, kernel: InstalledKernel, progress: Callable[[str], None]
) -> str:
    """Return why a guest cannot have a scenario as it is; empty: it can."""
    problems = refusals(scenario)
    if problems:
        return problems[0]
    if not scenario.devices:
        return "it has no PCI functions"
    behind = {one.secondary_bus for one in scenario.devices if one.secondary_bus}
    for one in scenario.devices:
        if one.secondary_bus and one.address.split(":")[1] in behind:
            return f"{one.address}: behind a switch of QEMU's all is one IOMMU group"
    if module_directory(scenario, kernel, progress).early:
        return "what is built in there is loaded in the guest"
    return ""


def _is_among(scenario: Scenario, others: Sequence[Scenario]) -> bool:
    return any(scenario is one for one in others)
