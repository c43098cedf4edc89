"""Parser of simple command lines of ``sh -c``.

It supports programs joined by ``|`` and ``;``, quotes, and ``<``. It refuses all other
syntax, rather than run it differently than a shell.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

__all__ = ["Stage", "parse"]

_TOKEN = re.compile(
    r"""[ ]*(?:
    (?P<operator>[;|<])
    |(?P<word>(?:
        '[^']*'
        |"(?:[^"$`\\]|\\[^$`])*"
        |[^\s;|<>&$`(){}*?\[\]~\#!"'\\]
    )+)
    )[ ]*""",
    re.VERBOSE,
)


@dataclass(slots=True)
class Stage:
    """One program of a pipeline."""

    words: list[str] = field(default_factory=list)
    stdin_path: str | None = None
    """File after ``<``."""


def parse(line: str) -> list[list[Stage]] | None:
    """Return the pipelines of a line, in the order to run them.

    :return: None if the line has other syntax.
    """
    pipelines = [[Stage()]]
    position, redirects = 0, False
    line = line.strip(" ")
    while position < len(line):
        token = _TOKEN.match(line, position)
        if token is None or (redirects and token["operator"]):
            return None
        position = token.end()
        stage = pipelines[-1][-1]
        if token["word"] is not None:
            word = shlex.split(token["word"])[0]
            if redirects:
                stage.stdin_path = word
            else:
                stage.words.append(word)
        elif token["operator"] == "|":
            pipelines[-1].append(Stage())
        elif token["operator"] == ";":
            pipelines.append([Stage()])
        redirects = token["operator"] == "<"
    if pipelines[-1] == [Stage()] and len(pipelines) > 1:
        del pipelines[-1]
    complete = all(stage.words for pipeline in pipelines for stage in pipeline)
    return pipelines if complete and not redirects else None
