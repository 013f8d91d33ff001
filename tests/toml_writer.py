"""Writes a document of tables, lists, texts, numbers and flags as TOML, in inline tables."""

import json


def write_toml(document):
    """Return the document as TOML."""
    return "".join(f"{json.dumps(key)} = {_write_value(value)}\n" for key, value in document.items())


def _write_value(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_write_value(inner)}" for key, inner in value.items()) + "}"
    return f"[{', '.join(map(_write_value, value))}]" if isinstance(value, list) else json.dumps(value)
