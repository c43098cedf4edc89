"""Writes templates, as programs make them; ``render`` reads them."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from simkernel.scenario.convert import to_data
from simkernel.scenario.render import TemplateParameter, to_yaml

__all__ = ["part", "template_text"]


def part(key: str, value: object) -> str:
    """Return one key of a scenario for the body of a template, as YAML.

    :param value: an object of the schema, a text, or a list or mapping of such;
        nothing in it is taken for Jinja2. A list is without its key if that is empty.
    """
    data = to_data(value)
    if isinstance(data, Sequence | Mapping) and not data:
        return ""
    text = to_yaml({key: data}) if key else textwrap.indent(to_yaml(data), "  ")
    return text.replace("{", "{{ '{' }}")


def template_text(
    description: str,
    parameters: Mapping[str, TemplateParameter],
    body: str,
    comment: str = "",
) -> str:
    """Return the text of a template.

    :param comment: lines for its head.
    """
    header: dict[str, object] = {"description": description}
    if parameters:
        header["parameters"] = {name: to_data(one) for name, one in parameters.items()}
    said = "".join(f"# {line}".rstrip() + "\n" for line in comment.splitlines())
    return f"{said}{to_yaml(header)}---\n{body}"
