"""Split a command line as getopt_long(3) of glibc."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from simkernel.kmod.process import ExitCommand, Process

__all__ = ["LongOption", "Options"]


@dataclass(frozen=True, slots=True)
class LongOption:
    """The meaning of a ``--name``."""

    flag: str
    """The equivalent short option, or a name of its own."""
    takes_value: bool = False
    """Whether ``=value`` or the next argument belongs to it."""


class Options:
    """The options of a running command, given one by one.

    :param short: as getopt(3) takes it: letters, a colon after those with a value.
    :param long: names without dashes; may be abbreviated by users.
    """

    def __init__(
        self, process: Process, short: str, long: Mapping[str, LongOption]
    ) -> None:
        self._process = process
        self._short = short
        self._long = long
        self.operands: list[str] = []
        """Arguments that are no options; complete when the iteration has ended."""

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Yield ``(flag, value)``; a flag without value: empty.

        :raises ExitCommand: an option is wrong, which has been reported.
        """
        rest = self._process.argv[1:]
        while rest:
            argument = rest.pop(0)
            if argument == "--":
                break
            if argument.startswith("--"):
                yield self._long_option(argument[2:], rest)
            elif argument.startswith("-") and argument != "-":
                yield from self._short_options(argument[1:], rest)
            else:
                self.operands.append(argument)
        self.operands += rest

    def _short_options(
        self, letters: str, rest: list[str]
    ) -> Iterator[tuple[str, str]]:
        # Each letter; what follows one that takes a value is the value.
        while letters:
            letter, letters = letters[0], letters[1:]
            at = self._short.find(letter)
            if at < 0 or letter == ":":
                self._refuse(f"invalid option -- '{letter}'")
            if self._short[at + 1 : at + 2] != ":":
                yield letter, ""
                continue
            if not letters and not rest:
                self._refuse(f"option requires an argument -- '{letter}'")
            yield letter, letters or rest.pop(0)
            return

    def _long_option(self, text: str, rest: list[str]) -> tuple[str, str]:
        typed, equals, value = text.partition("=")
        name = typed if typed in self._long else self._completed(typed, text)
        option = self._long[name]
        if not option.takes_value:
            if equals:
                self._refuse(f"option '--{name}' doesn't allow an argument")
            return option.flag, ""
        if not equals and not rest:
            self._refuse(f"option '--{name}' requires an argument")
        return option.flag, value if equals else rest.pop(0)

    def _completed(self, typed: str, text: str) -> str:
        # The name that `typed` abbreviates; synonyms of the first do not compete.
        names = [name for name in self._long if name.startswith(typed)]
        if not names:
            self._refuse(f"unrecognized option '--{text}'")
        others = [
            name for name in names[1:] if self._long[name] != self._long[names[0]]
        ]
        if others:
            self._refuse_ambiguous(text, [names[0], *others])
        return names[0]

    def _refuse_ambiguous(self, text: str, names: Sequence[str]) -> None:
        listed = "".join(f" '--{name}'" for name in names)
        self._refuse(f"option '--{text}' is ambiguous; possibilities:{listed}")

    def _refuse(self, text: str) -> None:
        self._process.write_error(f"{self._process.argv[0]}: {text}\n")
        raise ExitCommand(1)
