"""Write scenario templates from Python; ``render`` reads them."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from simkernel.scenario.convert import to_data
from simkernel.scenario.render import TemplateParameter, to_yaml

__all__ = ["part", "template_text"]


def part(key: str, value: object) -> str:
    """Return one key of a scenario as YAML for a template.

    :param key: the key; empty: write only the items of a list.
    :param value: schema object, text, list or mapping. Jinja2 syntax in it is escaped.
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

    :param comment: lines of the comment at its start.
    """
    header: dict[str, object] = {"description": description}
    if parameters:
        header["parameters"] = {name: to_data(one) for name, one in parameters.items()}
    head = "".join(f"# {line}".rstrip() + "\n" for line in comment.splitlines())
    return f"{head}{to_yaml(header)}---\n{body}"
