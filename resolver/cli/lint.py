"""``resolver lint``."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import click

from resolver.cli import options as shared
from resolver.cli.invocation import Invocation, pass_invocation
from resolver.errors import UsageError
from resolver.output.console import is_terminal, standard_input

if TYPE_CHECKING:
    from resolver.lint.judgement import Report
    from resolver.lint.names import Names

__all__ = ["command"]

_IDS = "CHECK[,CHECK...]"
_EXAMPLES = """\b
Examples:
  resolver lint mlx5_vfio_pci.ko
  resolver lint --strict --kernel 6.12.0 build/*.ko
  modinfo mlx5_vfio_pci | resolver lint -
"""


def _complete_ids(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    from resolver.lint.checks import CHECKS

    before, comma, begun = incomplete.rpartition(",")
    return [f"{before}{comma}{one}" for one in CHECKS if one.startswith(begun)]


@click.command("lint", epilog=_EXAMPLES)
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(allow_dash=True),
)
@shared.kept_option(
    "--modules-dir",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    help="Compare with the kernel whose module directory is DIR [default: none].",
)
@shared.kept_option(
    "--kernel",
    metavar="RELEASE",
    help="Compare with kernel RELEASE of the host [default: none].",
)
@click.option(
    "--format",
    "form",
    type=shared.OneOf(["text", "json", "sarif", "junit"]),
    default="text",
    show_default=True,
    help="Print the findings as text, json, sarif or junit.",
)
@click.option(
    "--only",
    metavar=_IDS,
    multiple=True,
    shell_complete=_complete_ids,
    help="Run only these checks [default: all].",
)
@click.option(
    "--disable",
    metavar=_IDS,
    multiple=True,
    shell_complete=_complete_ids,
    help="Do not run these checks [default: none].",
)
@click.option("--strict", "is_strict", is_flag=True, help="Treat warnings as errors.")
@click.option(
    "--baseline",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="Do not report the findings in FILE.",
)
@click.option(
    "--write-baseline",
    "new_baseline",
    metavar="FILE",
    type=click.Path(dir_okay=False, writable=True),
    help="Write the current findings to FILE, for --baseline.",
)
@click.option(
    "--no-cache", "is_fresh", is_flag=True, help="Read every module file again."
)
@shared.common
@pass_invocation
def command(
    call: Invocation,
    files: tuple[str, ...],
    form: str,
    only: tuple[str, ...],
    disable: tuple[str, ...],
    is_strict: bool,
    baseline: str | None,
    new_baseline: str | None,
    is_fresh: bool,
) -> None:
    """Check a VFIO driver's aliases without the hardware.

    FILE is a module (.ko, .ko.xz, .ko.zst, .ko.gz), a modules.alias file, a module
    directory, or - for the output of modinfo on stdin.

    The exit code is 1 if there are errors; with --strict, also if there are warnings.
    """
    if call.kernel and call.modules_dir:
        raise UsageError("--kernel and --modules-dir cannot be used together")
    from resolver.lint import front
    from resolver.lint.judgement import selected

    wanted = selected(_words(only), _words(disable))
    known = front.known(baseline) if baseline else None
    names = front.names(call.host())
    report = _looked_at(call, files, wanted, names, is_fresh=is_fresh)
    if new_baseline:
        front.write_baseline(new_baseline, report)
    if known is not None:
        report, gone = front.without(report, known)
        if gone:
            call.console.talk(f"warning: {baseline}: {gone} of its findings are gone")
    call.exit_code = report.exit_code(is_strict=is_strict)
    _print(call, report, names, form, is_strict=is_strict)


def _looked_at(
    call: Invocation,
    files: Sequence[str],
    wanted: Collection[str],
    names: Names,
    *,
    is_fresh: bool,
) -> Report:
    from resolver.lint import front
    from resolver.lint.judgement import judge

    host = call.host()
    kernel = front.kernel(host, files, call.kernel, call.modules_dir)
    stdin = standard_input() if "-" in files else None
    things = front.read(host, files, stdin, call.console.talk, is_fresh=is_fresh)
    return judge(things, kernel, names, wanted)


def _words(texts: tuple[str, ...]) -> list[str]:
    return [word for text in texts for word in text.split(",") if word]


def _print(
    call: Invocation, report: Report, names: Names, form: str, *, is_strict: bool
) -> None:
    if form == "json":
        from resolver.lint.document import report_document

        call.console.document(report_document(report, call.exit_code))
    elif form == "sarif":
        from importlib.metadata import version

        from resolver.lint.sarif import sarif_log

        call.console.document(sarif_log(report, version("simkernel")))
    elif form == "junit":
        from resolver.lint.junit import junit_report

        call.console.write(junit_report(report, is_strict=is_strict))
    else:
        from resolver.lint import text

        styled = list(text.lines(report, names, is_verbose=call.is_verbose))
        if is_terminal(sys.stdout):
            text.print_styled(styled)
        else:
            call.console.lines(line for _, line in styled)
