"""``resolver doctor``."""

from __future__ import annotations

import click

from resolver.cli import options as shared
from resolver.cli.invocation import Invocation, pass_invocation

__all__ = ["command"]


@click.command("doctor")
@shared.as_json
@shared.common
@pass_invocation
def command(call: Invocation, as_json: bool) -> None:
    """Say what keeps this host from using VFIO, and what to do about it."""
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
