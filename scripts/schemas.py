"""JSON schemas as Markdown: a table of fields, a type in a few words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

REFERENCE: Final = "#/components/schemas/"
BOUNDS: Final = {
    "minimum": "≥ {}",
    "maximum": "≤ {}",
    "exclusiveMinimum": "> {}",
    "exclusiveMaximum": "< {}",
    "maxLength": "up to {} characters",
    "maxItems": "up to {} items",
    "maxProperties": "up to {} entries",
}
Schema = Mapping[str, Any]


def anchor(name: str) -> str:
    """The anchor of a heading that is an object's name or a route's."""
    kept = (letter for letter in name.lower() if letter.isalnum() or letter in " -_")
    return "-".join("".join(kept).split())


def kind(schema: Schema) -> str:
    """The type of a value, with links to the objects that are described on the page."""
    if reference := schema.get("$ref"):
        name = reference.removeprefix(REFERENCE)
        return f"[{name}](#{anchor(name)})"
    if values := schema.get("enum", [schema["const"]] if "const" in schema else ()):
        return ", ".join(f"`{json.dumps(value)}`" for value in values)
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(kind(choice) for choice in choices))
    found = schema.get("type", "any")
    inner = schema.get("items" if found == "array" else "additionalProperties")
    if isinstance(inner, dict) and inner:
        return f"{'list' if found == 'array' else 'object'} of {kind(inner)}"
    return " or ".join(found) if isinstance(found, list) else str(found)


def bounds(schema: Schema) -> str:
    """The limits of a value, those of its alternatives included."""
    told = [text.format(f"{schema[key]:,}") for key, text in BOUNDS.items() if key in schema]
    told += [bounds(choice) for choice in schema.get("anyOf", ())]
    return ", ".join(part for part in told if part)


def cell(text: str) -> str:
    """A text as the cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def remarks(*parts: str) -> str:
    """What there is to say of a field, in one cell."""
    return cell("; ".join(part.rstrip(".") for part in parts if part))


def fields(schema: Schema) -> Iterator[str]:
    """The lines of the table of an object's fields; none for an object without fields."""
    properties = schema.get("properties")
    if not properties:
        return
    required = schema.get("required", ())
    yield from ("| field | type | default | |", "|---|---|---|---|")
    for name, field in properties.items():
        default = json.dumps(field["default"]) if "default" in field else ""
        if len(default) > 40:  # the defaults of an object stand with its own fields
            default = "…"
        shown = f"`{default}`" if default else "required" if name in required else "–"
        about = remarks(field.get("description", ""), bounds(field))
        yield f"| `{name}` | {cell(kind(field))} | {cell(shown)} | {about} |"
    yield ""
