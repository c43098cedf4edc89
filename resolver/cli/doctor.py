"""``resolver doctor``."""

from __future__ import annotations

import click

from resolver.cli import options as shared
from resolver.cli.invocation import Invocation, pass_invocation

__all__ = ["command"]

_EXAMPLES = """\b
Examples:
  resolver doctor
  resolver doctor --json
"""


@click.command("doctor", epilog=_EXAMPLES)
@shared.as_json
@shared.common
@pass_invocation
def command(call: Invocation, as_json: bool) -> None:
    """Diagnose why this host cannot use VFIO, and how to fix it.

    The exit code is 1 if there is a problem.
    """
    from resolver.doctor import report
    from resolver.doctor.examination import examine
    from resolver.output import documents

    host = call.host()
    findings = examine(host, call.aliases(host))
    call.exit_code = report.exit_code(findings)
    if as_json:
        objects = [report.finding_object(finding) for finding in findings]
        document = documents.document(
            "doctor", findings=objects, exit_code=call.exit_code
        )
        call.console.document(document)
    else:
        call.console.lines(report.lines(findings))
