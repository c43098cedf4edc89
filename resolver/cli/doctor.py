"""``resolver doctor``."""

from __future__ import annotations

import click

from resolver.cli import options
from resolver.cli.session import Session, pass_session

__all__ = ["command"]


@click.command("doctor")
@options.as_json
@options.common
@pass_session
def command(session: Session, as_json: bool) -> None:
    """Say what keeps this host from using VFIO, and what to do about it."""
    from resolver.doctor import report
    from resolver.doctor.examination import examine
    from resolver.output import documents

    host = session.host()
    findings = examine(host, session.aliases(host))
    session.exit_code = report.exit_code(findings)
    if as_json:
        objects = [report.finding_object(finding) for finding in findings]
        document = documents.document(
            "doctor", findings=objects, exit_code=session.exit_code
        )
        session.console.document(document)
    else:
        session.console.lines(report.lines(findings))
