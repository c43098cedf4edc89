"""Answers what the host asks for, until the host is gone.

A request is ``{"id": N, "do": WORD, ...}``; its answer has the same ``id``. What a
running command does comes without one, as ``{"event": WORD, ...}``.
"""

from __future__ import annotations

import base64
import os
import resource
import select
from collections.abc import Callable
from typing import Any

from simkernel.fronts.vm.inside import PORT
from simkernel.fronts.vm.inside.channel import Channel, open_port
from simkernel.fronts.vm.inside.command import Command
from simkernel.fronts.vm.inside.observation import Observer
from simkernel.fronts.vm.inside.operations import perform

__all__ = ["serve"]


def serve() -> None:
    """Answer requests until the host closes the channel."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # all that is observed
    agent = _Agent(Channel(open_port(PORT)))
    agent.channel.send({"event": "ready"})
    while True:
        try:
            agent.step()
        except EOFError:
            return


class _Agent:
    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.observer = Observer((), ())
        self.command: Command | None = None
        self._asked = False
        """The host knows that the command wants input."""

    def step(self) -> None:
        """Wait for the next thing to do, and do it."""
        if self.command is None:
            self._answer_all()
            return
        if self.command.is_hungry and not self._asked:
            self._asked = True
            self.channel.send({"event": "stdin"})
        ready = self._wait(self.command)
        if self.channel.port in ready:
            self._answer_all()
        self._serve_command(self.command, ready)

    def _wait(self, command: Command) -> set[int]:
        """Return the descriptors at which something has happened."""
        poll = select.poll()
        for one in (self.channel.port, command.ended, *command.outputs):
            poll.register(one, select.POLLIN)
        if command.is_fed:
            poll.register(command.stdin, select.POLLOUT)
        return {descriptor for descriptor, _ in poll.poll()}

    def _serve_command(self, command: Command, ready: set[int]) -> None:
        if command.is_fed and command.stdin in ready:
            command.flush()
        for output in ready & command.outputs.keys():
            self._forward(command, output)
        if command.ended in ready:
            self._end(command)

    def _forward(self, command: Command, output: int) -> bool:
        number = command.outputs[output]
        data = command.read(output)
        if data:
            text = base64.b64encode(data).decode()
            self.channel.send({"event": "output", "stream": number, "data": text})
        return bool(data)

    def _end(self, command: Command) -> None:
        """Send what is left of the output, and the exit code."""
        for output in list(command.outputs):
            while self._forward(command, output):
                pass
        code = command.exit_code()
        self.command = None
        os.sync()  # files in folders that are kept
        self.channel.send({"event": "ended", "code": code})

    def _answer_all(self) -> None:
        for request in self.channel.receive():
            answer = _WORDS[request["do"]](self, request)
            self.channel.send({"id": request["id"], **answer})

    def play(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out operations; ``stop``: only until one is refused."""
        answers = []
        for operation in request["operations"]:
            answer = perform(operation)
            if request.get("observe"):
                answer["changed"] = self.observer.changes()
            answers.append(answer)
            if request.get("stop") and answer["errno"]:
                break
        return {"answers": answers}

    def observe(self, request: dict[str, Any]) -> dict[str, Any]:
        """Look at the roots named; changes are told against this from now on."""
        words = request["roots"], request["skip"], request.get("fixed", ())
        self.observer.close()
        self.observer = Observer(*words)
        return {"state": self.observer.changes()}

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start a command."""
        self.command = Command(request)
        self._asked = False
        return {}

    def feed(self, request: dict[str, Any]) -> dict[str, Any]:
        """Give the command input; empty: there is no more."""
        if self.command is not None:
            self.command.feed(request["data"])
            self._asked = False
        return {}

    def kill(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a signal to the command."""
        if self.command is not None:
            self.command.kill(request["signal"])
        return {}

    def resize(self, request: dict[str, Any]) -> dict[str, Any]:
        """Give the command's terminal another size."""
        if self.command is not None:
            self.command.resize(request["size"])
        return {}


_WORDS: dict[str, Callable[[_Agent, dict[str, Any]], dict[str, Any]]] = {
    "feed": _Agent.feed,
    "kill": _Agent.kill,
    "observe": _Agent.observe,
    "play": _Agent.play,
    "resize": _Agent.resize,
    "run": _Agent.run,
}
