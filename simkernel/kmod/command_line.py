"""Module parameters on the kernel command line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

__all__ = ["kernel_parameters"]

_SPACES: Final = " \t\n\v\f\r"


def kernel_parameters(text: str) -> Iterator[tuple[str, str]]:
    """Yield ``(module, "parameter=value")`` pairs.

    Blanks may stand inside double quotes, in a value only. A quote before the module
    name is moved to the start of the value, where it belongs.

    :param text: content of ``/proc/cmdline``.

    Source: libkmod-config.c kmod_config_parse_kcmdline().
    """
    for word in _words(text.partition("\0")[0]):
        quoted = word.startswith('"')
        module, dot, parameter = word[quoted:].partition(".")
        key, equals, value = parameter.partition("=")
        if not dot or '"' in module or "=" in module or '"' in key or "." in key:
            continue
        if quoted and equals:
            yield module, f'{key}="{value}'
        elif not quoted:
            yield module, parameter


def _words(text: str) -> Iterator[str]:
    # Words separated by blanks outside quotes. A blank inside quotes ends nothing, but
    # makes a word without "=" before it useless.
    word = ""
    quoted, useful = False, True
    for char in text + " ":
        if char in _SPACES and not quoted:
            if word and useful:
                yield word
            word, useful = "", True
            continue
        if char == '"':
            quoted = not quoted
        elif char in _SPACES and "=" not in word:
            useful = False
        word += char
