"""Find, render, parse and write scenario templates.

A template is two YAML documents. The first is plain: ``description`` and
``parameters`` with their defaults. The second is a Jinja2 template of the scenario.
"""

from __future__ import annotations

import os
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import yaml
from jinja2.sandbox import SandboxedEnvironment
from yaml.constructor import ConstructorError

from simkernel.errors import ScenarioError, UsageError
from simkernel.scenario.convert import from_data, to_data
from simkernel.scenario.schema import Scenario
from simkernel.suggest import did_you_mean

__all__ = [
    "Template",
    "TemplateParameter",
    "dump",
    "find",
    "installed",
    "load",
    "parse",
    "scenario_folder",
    "to_yaml",
]

_SUFFIX = ".yaml.j2"
_UNNAMED = "<template>"
"""Name that Jinja2 gives to a template from a string."""


class _Loader(getattr(yaml, "CBaseLoader", yaml.BaseLoader)):  # type: ignore[misc]  # PyYAML may lack the faster C loader
    """Loads every scalar as a string, and refuses duplicate keys."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """Return a mapping.

        :raises ConstructorError: a key is a duplicate.
        """
        mapping = super().construct_mapping(node, deep=deep)
        if len(mapping) != len(node.value):
            seen = [self.construct_object(key) for key, _ in node.value]
            key = next(one for one in seen if seen.count(one) > 1)
            raise ConstructorError(
                None, None, f"duplicate key {key!r}", node.start_mark
            )
        return mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateParameter:
    """A parameter of a template, set by ``--set``."""

    default: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The first YAML document of a template."""

    description: str
    parameters: dict[str, TemplateParameter] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Template:
    """A scenario template and its file."""

    path: Path
    description: str
    parameters: dict[str, TemplateParameter]
    body: str
    first_line: int
    """Line of the file at which the body starts."""

    @property
    def name(self) -> str:
        """Name of the scenario."""
        return self.path.name.removesuffix(_SUFFIX)

    @property
    def reference(self) -> str:
        """Name or path that :func:`find` takes for the template."""
        is_installed = self.path.parent == scenario_folder()
        return self.name if is_installed else os.fspath(self.path)


def scenario_folder() -> Path:
    """Return the directory of the installed scenarios."""
    beside = Path(__file__).parent.parent
    packaged = beside / "scenarios"
    return packaged if packaged.is_dir() else beside.parent / "scenarios"


def installed() -> list[str]:
    """Return the names of the installed scenarios, sorted.

    Files whose name starts with ``_`` are no scenarios.
    """
    return sorted(
        path.name.removesuffix(_SUFFIX)
        for path in scenario_folder().glob(f"[!_]*{_SUFFIX}")
    )


def find(name: str) -> Template:
    """Return a template by name or path.

    A path contains a ``/`` or ends in ``.j2``, ``.yaml`` or ``.yml``.

    :raises UsageError: there is no such template.
    :raises ScenarioError: the header is invalid.
    """
    is_path = os.sep in name or name.endswith((".j2", ".yaml", ".yml"))
    path = Path(name) if is_path else scenario_folder() / f"{name}{_SUFFIX}"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        if is_path:
            raise UsageError(f"cannot read scenario {name}: {error}") from None
        raise UsageError(
            f"unknown scenario {name!r}{did_you_mean(name, installed())}",
            hint="run `simkernel list` to list the scenarios",
        ) from None
    return _split(path, text)


def _split(path: Path, text: str) -> Template:
    head, line, body = text.partition("\n---\n")
    if not line:
        raise ScenarioError(
            str(path), ["no line --- between the header and the scenario"]
        )
    problems: list[str] = []
    data = _yaml(str(path), head)
    raw = (data.pop("parameters", "") if isinstance(data, dict) else "") or {}
    header = from_data(Header, data, problems)
    if not isinstance(raw, dict):
        problems.append("parameters: must be a mapping of names to parameters")
        raw = {}
    parameters = {
        key: from_data(TemplateParameter, value, problems, f"parameters.{key}")
        for key, value in raw.items()
    }
    if problems:
        raise ScenarioError(str(path), problems)
    return Template(path, header.description, parameters, body, head.count("\n") + 3)


def load(name: str, settings: dict[str, str] | None = None) -> Scenario:
    """Render and parse a template.

    :param settings: values of parameters; others have their default.
    :raises UsageError: there is no such template or parameter.
    :raises ScenarioError: the template does not render or parse; lists all problems.
    """
    template = find(name)
    return parse(render(template, settings or {}), source=str(template.path))


def render(template: Template, settings: dict[str, str]) -> str:
    """Return the YAML text of a template.

    :raises UsageError: the template has no such parameter.
    :raises ScenarioError: the template is invalid, or uses an undefined name.
    """
    for key in settings:
        if key not in template.parameters:
            raise UsageError(
                f"scenario {template.name} has no parameter {key!r}"
                f"{did_you_mean(key, template.parameters)}",
                hint=f"run `simkernel show --yaml {template.reference}` to list them",
            )
    values = {key: one.default for key, one in template.parameters.items()} | settings
    environment = SandboxedEnvironment(
        loader=jinja2.FileSystemLoader([template.path.parent, scenario_folder()]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    try:
        compiled = environment.from_string(template.body)
        return compiled.render({key: _typed(text) for key, text in values.items()})
    except jinja2.TemplateSyntaxError as error:
        place = _place(template, error.name, error.lineno)
        raise ScenarioError(str(template.path), [f"{place}: {error.message}"]) from None
    except Exception as error:  # template code calls methods that raise any type
        kind = "" if isinstance(error, jinja2.TemplateError) else type(error).__name__
        text = ": ".join(filter(None, [_line_of(template, error), kind, str(error)]))
        raise ScenarioError(str(template.path), [text]) from None


def _line_of(template: Template, error: Exception) -> str:
    """Return the line of the template that raised an error."""
    place = "template"
    for frame, line in traceback.walk_tb(error.__traceback__):
        name = frame.f_code.co_filename
        if name == _UNNAMED or name.endswith(_SUFFIX):
            place = _place(template, None if name == _UNNAMED else name, line)
    return place


def _place(template: Template, name: str | None, line: int) -> str:
    """Return file and line of an error."""
    if name is None:
        return f"template, line {line + template.first_line - 1}"
    return f"{name}, line {line}"


def _typed(text: str) -> int | bool | str:
    """Convert a parameter's value to a number or truth value."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    is_number = text.isascii() and text.isdecimal() and (text == "0" or text[0] != "0")
    return int(text) if is_number else text


def parse(text: str, *, source: str = "scenario") -> Scenario:
    """Parse a rendered scenario.

    :raises ScenarioError: the text is invalid; lists all problems.
    """
    problems: list[str] = []
    scenario = from_data(Scenario, _yaml(source, text), problems)
    if problems:
        raise ScenarioError(source, problems)
    return scenario


def dump(scenario: Scenario) -> str:
    """Return YAML that :func:`parse` reads back.

    The text is ASCII, because PyYAML loses some of the other line separators.
    """
    return to_yaml(to_data(scenario))


def to_yaml(data: object) -> str:
    """Return mappings, lists and texts as YAML."""
    text: str = yaml.safe_dump(data, sort_keys=False, width=88)
    return text


def _yaml(source: str, text: str) -> Any:
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  # BaseLoader makes strings only
    except (yaml.YAMLError, RecursionError) as error:
        raise ScenarioError(source, [f"invalid YAML: {error}"]) from None
