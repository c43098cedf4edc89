"""Answers the host's requests until the channel is closed.

A request is ``{"id": N, "do": WORD, ...}``; its answer has the same ``id``. Events
of a running command have no id: ``{"event": WORD, ...}``.
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
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (most, most)
    )  # an observer keeps every file open
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
        self._input_requested = False
        """The host knows that the command wants input."""

    def step(self) -> None:
        """Wait for the next request or event, and handle it."""
        if self.command is None:
            self._answer_all()
            return
        if self.command.wants_input and not self._input_requested:
            self._input_requested = True
            self.channel.send({"event": "stdin"})
        ready = self._wait(self.command)
        if self.channel.port in ready:
            self._answer_all()
        self._serve_command(self.command, ready)

    def _wait(self, command: Command) -> set[int]:
        """Return the descriptors that are ready."""
        poll = select.poll()
        for one in (self.channel.port, command.ended, *command.outputs):
            poll.register(one, select.POLLIN)
        if command.has_input:
            poll.register(command.stdin, select.POLLOUT)
        return {descriptor for descriptor, _ in poll.poll()}

    def _serve_command(self, command: Command, ready: set[int]) -> None:
        if command.has_input and command.stdin in ready:
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
        """Send the rest of the output and the exit code."""
        for output in list(command.outputs):
            while self._forward(command, output):
                pass
        code = command.exit_code()
        self.command = None
        os.sync()  # write out files in the host's folders
        self.channel.send({"event": "ended", "code": code})

    def _answer_all(self) -> None:
        for request in self.channel.receive():
            answer = _HANDLERS[request["do"]](self, request)
            self.channel.send({"id": request["id"], **answer})

    def execute(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run operations; with ``stop``, end at the first refusal."""
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
        """Observe the given roots; later changes are relative to this state."""
        words = request["roots"], request["skip"], request.get("fixed", ())
        self.observer.close()
        self.observer = Observer(*words)
        return {"state": self.observer.changes()}

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start a command."""
        self.command = Command(request)
        self._input_requested = False
        return {}

    def feed(self, request: dict[str, Any]) -> dict[str, Any]:
        """Pass input to the command; empty: end of input."""
        if self.command is not None:
            self.command.feed(request["data"])
            self._input_requested = False
        return {}

    def kill(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a signal to the command."""
        if self.command is not None:
            self.command.kill(request["signal"])
        return {}

    def resize(self, request: dict[str, Any]) -> dict[str, Any]:
        """Resize the command's terminal."""
        if self.command is not None:
            self.command.resize(request["size"])
        return {}


_HANDLERS: dict[str, Callable[[_Agent, dict[str, Any]], dict[str, Any]]] = {
    "feed": _Agent.feed,
    "kill": _Agent.kill,
    "observe": _Agent.observe,
    "execute": _Agent.execute,
    "resize": _Agent.resize,
    "run": _Agent.run,
}
