"""Write docs/man and docs/completion: ``python docs/make_man_pages.py``.

A test fails if a file is not current.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from resolver.cli import cli

DOCS = Path(__file__).parent
NAME = "resolver"
FILES = {
    "/run/resolver": "Records for restore, until the next boot.",
    "/etc/resolver/persistent": "Devices that are bound at every boot.",
    "/lib/modules/RELEASE/modules.alias": "VFIO drivers and their devices.",
    "/etc/modprobe.d": "Blacklists of modules.",
    "/etc/driverctl.d": "Devices that driverctl binds at every boot.",
}
COMPLETION = {"zsh": "_resolver", "fish": "resolver.fish"}
"""Shell to the file name that it looks for."""

AUTOLOADED = ("$zsh_eval_context[-1] == loadautofunc", "$funcstack[1] == _resolver")
"""How click's file detects a call by zsh, which works only once; and our test."""

BASH = r"""_resolver_completion() {
    # Readline ends a word at a colon, and addresses have colons.
    local line=${COMP_LINE:0:COMP_POINT} current there='' type value
    local -a words
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    current=${words[-1]}
    [[ $COMP_WORDBREAKS == *:* ]] && there=${current%"${current##*:}"}
    while IFS=, read -r type value; do
        case $type in
            plain) COMPREPLY+=("${value#"$there"}") ;;
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
        esac
    done < <(
        env COMP_WORDS="${words[*]}" COMP_CWORD=$((${#words[@]} - 1)) \
            _RESOLVER_COMPLETE=bash_complete "$1"
    )
}

complete -o nosort -F _resolver_completion resolver
"""
"""Replaces click's own, which completes only a part of an address."""


def files() -> Iterator[tuple[Path, str]]:
    """Yield path and text of each file."""
    context = click.Context(cli, info_name=NAME, **cli.context_settings)
    names = cli.list_commands(context)
    yield DOCS / "man" / f"{NAME}.1", _page(context, names)
    for name in names:
        command = cli.get_command(context, name)
        assert command is not None
        below = click.Context(command, info_name=name, parent=context)
        yield DOCS / "man" / f"{NAME}-{name}.1", _page(below, [])
    for shell, file in COMPLETION.items():
        yield DOCS / "completion" / file, _completion(shell)
    yield DOCS / "completion/resolver.bash", BASH


def _page(context: click.Context, commands: list[str]) -> str:
    command = context.command
    title = context.command_path.replace(" ", "-")
    first, *rest = cleandoc(command.help or "").split("\n\n")
    lines = [
        '.\\" Made by docs/make_man_pages.py.',
        f'.TH "{title.upper()}" 1 "" "{NAME}"',
        ".SH NAME",
        f"{_text(title)} \\- {_text(first.removesuffix('.'))}",
        ".SH SYNOPSIS",
        f".B {_text(context.command_path)}",
        _text(" ".join(command.collect_usage_pieces(context))),
        ".SH DESCRIPTION",
        _text(first),
    ]
    for paragraph in rest:
        lines += [".PP", *_paragraph(paragraph)]
    lines += [".SH OPTIONS", *_options(context)]
    if commands:
        lines += [".SH COMMANDS", *_commands(context, commands), *_general()]
    examples = cleandoc(command.epilog or "").removeprefix("\b\nExamples:\n")
    lines += [".SH EXAMPLES", *_paragraph(f"\b\n{cleandoc(examples)}")]
    lines += [".SH SEE ALSO", _see_also(title, commands)]
    return "\n".join(lines) + "\n"


# Lines below a backspace are kept as they are, in click and here.
def _paragraph(text: str) -> Iterator[str]:
    if not text.startswith("\b\n"):
        yield _text(text)
        return
    yield ".nf"
    for line in text.splitlines()[1:]:
        indent = " " * (len(line) - len(line.lstrip()))
        yield f"{indent}{_text(line)}"
    yield ".fi"


def _options(context: click.Context) -> Iterator[str]:
    for parameter in context.command.get_params(context):
        record = parameter.get_help_record(context)
        if isinstance(parameter, click.Option) and record is not None:
            yield from (".TP", f"\\fB{_text(record[0])}\\fR", _text(record[1]))


def _commands(context: click.Context, names: list[str]) -> Iterator[str]:
    assert isinstance(context.command, click.Group)
    for name in names:
        command = context.command.get_command(context, name)
        assert command is not None
        summary = cleandoc(command.help or "").split("\n\n")[0]
        yield from (".TP", f"\\fB{NAME}\\-{name}\\fR(1)", _text(summary))


def _general() -> Iterator[str]:
    yield ".SH EXIT STATUS"
    yield "With several devices, the highest code counts."
    for code, meaning in _exit_codes():
        yield from (".TP", f"\\fB{code}\\fR", _text(meaning))
    yield ".SH FILES"
    for path, meaning in FILES.items():
        yield from (".TP", f"\\fI{_text(path)}\\fR", _text(meaning))


def _exit_codes() -> list[tuple[str, str]]:
    """Return the rows of the table in docs/exit-codes.md."""
    text = (DOCS / "exit-codes.md").read_text(encoding="utf-8")
    return re.findall(r"^\| (\d+) \| (.+) \|$", text, re.MULTILINE)


def _see_also(title: str, commands: list[str]) -> str:
    others = [f"{NAME}-{name}" for name in commands] or [NAME]
    pages = [f"\\fB{_text(one)}\\fR(1)" for one in others if one != title]
    return ", ".join([*pages, "\\fBmodprobe.d\\fR(5)"])


# Source: groff_man(7): a line that begins with a dot or quote is a request.
def _text(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    lines = (line.strip() for line in escaped.splitlines())
    return "\n".join(f"\\&{line}" if line[:1] in ".'" else line for line in lines)


def _completion(shell: str) -> str:
    kind = get_completion_class(shell)
    assert kind is not None
    made = kind(cli, {}, NAME, f"_{NAME.upper()}_COMPLETE")
    text = f"{made.source_template % made.source_vars()}".strip() + "\n"
    return text.replace(*AUTOLOADED) if shell == "zsh" else text


if __name__ == "__main__":
    for path, text in files():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
