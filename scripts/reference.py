"""The reference pages of the site, written from what the code says of itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import typer
from prometheus_client import CollectorRegistry
from typer.core import TyperArgument, TyperCommand, TyperGroup

from app.engines.scripted import Script, ScriptedEngine
from app.host import Host
from app.main import create_app
from app.metrics import Metrics
from app.settings import Settings
from scripts.schemas import REFERENCE, Schema, anchor, bounds, cell, fields, kind, remarks

TITLES: Final = {
    "solutions": "Solutions",
    "verification": "Verification",
    "chat": "OpenAI: chat completions",
    "responses": "OpenAI: responses",
    "files": "OpenAI: files",
    "batches": "OpenAI: batches",
    "models": "Models and adapters",
    "operations": "Operations",
}
"""The groups that stand first, in this order; others follow as the app has them."""
Command = TyperCommand | TyperGroup
METHODS: Final = ("get", "post", "put", "patch", "delete")


def description() -> dict[str, Any]:
    """The OpenAPI description of the app, as it is served."""
    settings = Settings(engine="scripted")
    host = Host(ScriptedEngine(Script({}, 0.0)))
    return create_app(settings, host, Metrics(CollectorRegistry())).openapi()


def api_page(described: Mapping[str, Any]) -> str:
    """Every route with what it takes and answers, then every object, then every event."""
    schemas = described["components"]["schemas"]
    events = [
        choice["$ref"].removeprefix(REFERENCE) for choice in schemas["Event"].get("oneOf", ())
    ]
    lines = [
        "# Routes, objects and events",
        "",
        f"Written from the OpenAPI description of version {described['info']['version']}, which a "
        "server has at `/openapi.json`. What a schema does not say: [API](../api.md), "
        "[error codes](errors.md).",
        "",
    ]
    for title, operations in _groups(described["paths"]).items():
        lines += [f"## {title}", ""]
        for method, path, operation in operations:
            lines += [f"### {method.upper()} {path}", "", *_operation(operation), ""]
    lines += ["## Errors", "", *_failures(described["paths"]), ""]
    lines += ["## Events", "", *_events(events, schemas), "## Objects", ""]
    for name in sorted(schemas.keys() - set(events) - {"Event"}):
        lines += [f"### {name}", "", *_object(schemas[name]), ""]
    return "\n".join(lines)


def commands_page(command: Command) -> str:
    """Every command with its arguments and options."""
    lines = [
        "# Commands",
        "",
        "Written from the command line itself; `--help` says the same. Exit codes: 0 done, "
        "1 not solved or something is wrong, 2 wrong usage or bad input, 3 no server.",
        "",
    ]
    for path, found in _commands("statewise", command):
        lines += [f"## {path}", "", (found.help or "").replace("\b", "").strip(), ""]
        lines += [*_parameters(found), ""]
    return "\n".join(lines)


def command_line() -> Command:
    """The whole command line."""
    from statewise.cli import cli  # noqa: PLC0415 - the API page does not need it

    found = typer.main.get_command(cli)
    assert isinstance(found, TyperGroup)
    return found


def _groups(paths: Mapping[str, Any]) -> dict[str, list[tuple[str, str, Mapping[str, Any]]]]:
    found: dict[str, list[tuple[str, str, Mapping[str, Any]]]] = {
        title: [] for title in TITLES.values()
    }
    for path, methods in paths.items():
        for method in METHODS:
            if operation := methods.get(method):
                tag = (operation.get("tags") or ["operations"])[0]
                title = TITLES.get(tag, tag.capitalize())
                found.setdefault(title, []).append((method, path, operation))
    return {title: operations for title, operations in found.items() if operations}


def _operation(operation: Mapping[str, Any]) -> Iterator[str]:
    yield operation.get("description", "").strip()
    yield ""
    if parameters := operation.get("parameters"):
        yield from ("| parameter | in | type | |", "|---|---|---|---|")
        for parameter in parameters:
            schema = parameter.get("schema", {})
            told = parameter.get("description") or schema.get("description", "")
            about = remarks(told, bounds(schema))
            yield f"| `{parameter['name']}` | {parameter['in']} | {cell(kind(schema))} | {about} |"
        yield ""
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"**Body** (`{media}`)"
        yield ""
        yield from _object(content["schema"])
        yield from _examples(content)
    failures = []
    yield from ("| status | answer | |", "|---|---|---|")
    for status, response in sorted(operation["responses"].items()):
        if status >= "4":
            failures.append(status)
            continue
        answers = [
            f"`{media}`: {kind(content['x-event-schema'])} by event"
            if "x-event-schema" in content
            else kind(content.get("schema", {}))
            for media, content in response.get("content", {}).items()
        ]
        told = cell(response.get("description", "").replace("Successful Response", ""))
        yield f"| {status} | {cell(' or '.join(answers))} | {told} |"
    if failures:
        yield f"| {', '.join(failures)} | [Error](#error) | [what they mean](#errors) |"


def _failures(paths: Mapping[str, Any]) -> Iterator[str]:
    """What each status says, as the routes have it."""
    told = {
        status: cell(response.get("description", ""))
        for methods in paths.values()
        for operation in methods.values()
        for status, response in operation["responses"].items()
        if status >= "4"
    }
    yield from ("| status | |", "|---|---|")
    for status, text in sorted(told.items()):
        yield f"| {status} | {text} |"


def _examples(content: Mapping[str, Any]) -> Iterator[str]:
    found = [example["value"] for example in content.get("examples", {}).values()]
    for value in found or content["schema"].get("examples", ()):
        yield from ("```json", json.dumps(value, indent=2, ensure_ascii=False), "```", "")


def _object(schema: Schema) -> Iterator[str]:
    if "$ref" in schema:
        yield from (kind(schema), "")
        return
    if told := schema.get("description"):
        yield from (told.strip(), "")
    if schema.get("properties"):
        yield from fields(schema)
    elif "enum" in schema or "anyOf" in schema:
        yield from (kind(schema), "")


def _events(names: list[str], schemas: Mapping[str, Any]) -> Iterator[str]:
    yield '<a id="event"></a>One of these, by its `type`.'
    yield ""
    yield from ("| `type` | |", "|---|---|")
    for name in names:
        told = cell(schemas[name].get("description", ""))
        wire = schemas[name]["properties"]["type"]["const"]
        yield f"| [`{wire}`](#{anchor(name)}) | {told} |"
    yield ""
    for name in names:
        yield from (f"### {name}", "", *_object(schemas[name]), "")


def _commands(path: str, command: Command) -> Iterator[tuple[str, Command]]:
    if not isinstance(command, TyperGroup):
        yield path, command
        return
    if command.invoke_without_command:
        yield path, command
    for name, inner in command.commands.items():
        if isinstance(inner, TyperCommand | TyperGroup) and not inner.hidden:
            yield from _commands(f"{path} {name}", inner)


def _parameters(command: Command) -> Iterator[str]:
    shown = [found for found in command.params if not getattr(found, "hidden", False)]
    if not shown:
        return
    yield from ("| | default | |", "|---|---|---|")
    for parameter in shown:
        names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
        if isinstance(parameter, TyperArgument):
            names = f"`{(parameter.metavar or parameter.name or '').upper()}`"
        default = parameter.default
        plain = isinstance(default, str | int | float) or hasattr(default, "__fspath__")
        value = f"`{default}`" if plain and not isinstance(default, bool) else ""
        told = cell(getattr(parameter, "help", "") or "")
        yield f"| {names} | {'required' if parameter.required else value} | {told} |"
