"""Module parameters on the command line of the tools."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["join_parameters", "quoted_parameter"]


def join_parameters(arguments: Iterable[str]) -> str:
    """Join arguments with blanks; drop empty ones in front.

    Source: tools/insmod.c do_insmod(), tools/modprobe.c options_from_array().
    """
    text = ""
    for argument in arguments:
        text += f" {argument}" if text else argument
    return text


def quoted_parameter(argument: str) -> str:
    """Return ``name=value``, quoted if the value has a blank.

    Source: tools/modprobe.c options_from_array().
    """
    name, equals, value = argument.partition("=")
    if equals and " " in value and value[0] not in "\"'":
        return f'{name}="{value}"'
    return argument
