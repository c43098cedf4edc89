"""What the commands have in common that change devices."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from resolver.cli import options
from resolver.cli.session import Session

if TYPE_CHECKING:
    from resolver.cli.many import Batch, Manner

__all__ = ["Change", "changing"]

Command = TypeVar("Command", bound=Callable[..., Any])


class Change(NamedTuple):
    """What the options of such a command say."""

    is_dry_run: bool
    as_json: bool
    is_forced: bool
    is_atomic: bool
    jobs: int | None
    timeout_s: float | None

    def batch(self, name: str, session: Session, words: tuple[str, ...]) -> Batch:
        """Return the devices that the words stand for.

        :raises ResolverError: a word stands for none, or the host is a captured one.
        """
        from resolver.cli.many import Batch
        from resolver.cli.words import with_stdin
        from resolver.linux import TIMEOUT_S
        from resolver.options import Terms

        terms = Terms(
            is_dry_run=self.is_dry_run,
            is_forced=self.is_forced,
            timeout_s=self.timeout_s or TIMEOUT_S,
        )
        batch = Batch(name, session.host(), session.console, terms)
        batch.find(with_stdin(words))
        return batch

    def manner(self, session: Session, *, is_atomic: bool = False) -> Manner:
        """Return how the command is carried out and reported."""
        from resolver.cli.many import Manner

        return Manner(
            as_json=self.as_json,
            is_verbose=session.is_verbose,
            is_atomic=self.is_atomic or is_atomic,
            jobs=self.jobs,
        )


def changing(command: Command) -> Command:
    """Add the options, which the command gets as one ``change``."""

    @wraps(command)
    def with_change(*arguments: Any, **values: Any) -> Any:
        names = Change._fields
        change = Change(**{name: values.pop(name) for name in names})
        return command(*arguments, change=change, **values)

    for add in (options.as_json, options.dry_run, options.many, options.safety):
        with_change = add(with_change)
    return with_change  # type: ignore[return-value]  # it is called as the command is
