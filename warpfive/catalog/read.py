"""Read a chip or system file: every table, key, unit and grade checked."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from warpfive.catalog.figure import GRADES, UNITS, Figure
from warpfive.catalog.names import nearest
from warpfive.errors import InputError

Tables = Mapping[str, Mapping[str, str]]
"""Table name -> key -> dimension, or ``text``."""


def load_toml(path: Path) -> dict[str, Any]:
    """The file's tables, or one sentence saying why it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file; a chip file is TOML in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not TOML: {error}") from None


def read_figures(where: str, data: Mapping[str, Any], tables: Tables) -> dict[str, Figure]:
    """All figures by ``table.key``; refuses unknown keys, units, grades and sources."""
    sources = data.get("sources", {})
    found: dict[str, Figure] = {}
    for table, keys in tables.items():
        for key, raw in data.get(table, {}).items():
            if key not in keys:
                raise InputError(f"{where}: unknown key {table}.{key}; {nearest(key, list(keys))}")
            if keys[key] != "text":
                name = f"{table}.{key}"
                found[name] = _figure(where, name, raw, keys[key], sources)
    return found


def _figure(where: str, name: str, raw: Any, dimension: str, sources: Mapping[str, str]) -> Figure:
    if not isinstance(raw, dict) or set(raw) != {"value", "unit", "grade", "source"}:
        raise InputError(
            f"{where}: {name} must be {{ value = ..., unit = ..., grade = ..., source = ... }}"
        )
    value, unit = raw["value"], raw["unit"]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{where}: {name}: value {value!r} is not a number")
    if unit not in UNITS or UNITS[unit][0] != dimension:
        fitting = [known for known, (kind, _) in UNITS.items() if kind == dimension]
        raise InputError(
            f"{where}: {name}: unit {unit!r} is not one of {', '.join(fitting)} ({dimension})"
        )
    if raw["grade"] not in GRADES:
        raise InputError(f"{where}: {name}: grade {raw['grade']!r}; known: {', '.join(GRADES)}")
    if raw["source"] not in sources:
        raise InputError(
            f"{where}: {name}: source {raw['source']!r} is not in [sources]; "
            f"{nearest(str(raw['source']), list(sources))}"
        )
    return Figure(value=float(value), unit=unit, grade=raw["grade"], source=raw["source"])


def refuse_unknown(where: str, data: Mapping[str, Any], known: set[str]) -> None:
    """Refuse a top-level key or table the catalog does not know."""
    for key in data:
        if key not in known:
            raise InputError(f"{where}: unknown key {key!r}; {nearest(key, sorted(known))}")
