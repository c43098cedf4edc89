"""Shell commands of install lines do what sh does."""

from __future__ import annotations

import os
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simkernel.kmod import shell
from simkernel.kmod.commands import run_process
from simkernel.kmod.context import Context
from simkernel.kmod.process import Process, Streams

simple = st.sampled_from(
    ["true", "false", ":", "/bin/true", "/bin/false", "echo a  b", "echo 'a  $V'",
     'echo "x $V  y"', "echo $V", "echo ${V}z", "echo $NONE", 'echo "$NONE" z',
     "exit 3", "exit", "exit 300", "nosuchcommand x", "/no/such/file", "echo a\\ b",
     "echo x >/dev/null", "echo x > /dev/null 2>&1", "echo y 2>/dev/null", "echo a=b",
     "nosuch 2>/dev/null", "echo x >&2", "echo one # two", "echo \\$V", 'echo "a\\"b"',
     "$NONE", "$NONE true", "echo", "echo a'b'\"c\""]
)  # fmt: skip
joiners = st.sampled_from([";", " ; ", " && ", "&&", " || ", "||", "\n"])


@st.composite
def scripts(draw: st.DrawFn) -> str:
    """Simple commands with operators between them."""
    script = draw(simple)
    for _ in range(draw(st.integers(0, 3))):
        if "#" in script.rpartition("\n")[2]:
            break
        script += draw(joiners) + draw(simple)
    return script + draw(st.sampled_from(["", ";", " "]))


def ours(script: str) -> tuple[int, bytes, bytes]:
    """Run a script with ours."""
    context = Context(files=None, syscalls=None, release="")  # type: ignore[arg-type] # not used
    streams = Streams()
    process = Process(["modprobe"], context, {"V": "v  w"}, streams, run_process)
    status = shell.run(process, script, "m")
    return status, bytes(streams.stdout), bytes(streams.stderr)


def is_dash() -> bool:
    """Tell whether sh is dash, which has the same messages."""
    return os.path.realpath("/bin/sh").endswith("/dash")


@pytest.mark.real
@pytest.mark.skipif(
    not is_dash() and not os.environ.get("SIMKERNEL_FORCE_DASH"),
    reason="sh is not dash, as on Debian; SIMKERNEL_FORCE_DASH=1 forces it",
)
@settings(deadline=None)
@given(script=scripts())
def test_script_does_what_sh_does(script: str) -> None:
    """Status, output and messages are those of the shell."""
    environment = {"V": "v  w", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        ["sh", "-c", script], env=environment, capture_output=True, check=False
    )
    messages = done.stderr
    if script.count("\n"):
        # The shell counts lines, and ours does not.
        messages = ours(script)[2]

    assert ours(script) == (done.returncode, done.stdout, messages)


def test_module_is_in_the_environment() -> None:
    """MODPROBE_MODULE names the module that the command is for."""
    assert ours("echo $MODPROBE_MODULE")[1] == b"m\n"


def test_syntax_that_is_not_known_is_a_command_that_is_not_found() -> None:
    """Loops and the like end with status 127."""
    assert ours("while true")[0] == 127
