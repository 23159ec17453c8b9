"""Models by name, or from a user's ``config.json``."""

import functools
import json
from pathlib import Path
from typing import Any

from warpfive.catalog.hf import model_from_config
from warpfive.catalog.model import ModelSpec
from warpfive.catalog.names import nearest
from warpfive.errors import InputError

FOLDER = Path(__file__).parent / "models"

_SUFFIXES = (
    "-instruct-2507", "-thinking-2507", "-instruct-2512", "-instruct", "-thinking", "-chat",
    "-fp8-dynamic", "-fp8", "-bf16", "-int8", "-int4", "-awq", "-gptq", "-nvfp4", "-fp4", "-w8a8",
)  # fmt: skip


@functools.cache
def _index() -> dict[str, str]:
    """Name or alias -> file name."""
    return json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))


def model_names() -> tuple[str, ...]:
    """Names of the bundled models, sorted."""
    return tuple(sorted(set(_index().values())))


@functools.cache
def model(name: str) -> ModelSpec:
    """A bundled model, ``owner/Name`` forms included, or the one a ``config.json`` describes."""
    path = Path(name)
    if name.endswith(".json") or (path / "config.json").is_file():
        return _from_file(path if name.endswith(".json") else path / "config.json")
    stem = resolve_model(name)
    raw = json.loads((FOLDER / f"{stem}.json").read_text(encoding="utf-8"))
    return model_from_config(stem, raw, f"{stem}.json")


def resolve_model(name: str) -> str:
    """The bundled model's own name for a published name, with its variants' suffixes dropped."""
    key = name.rsplit("/", 1)[-1].lower().replace("_", "-").replace(" ", "-")
    index = _index()
    while key not in index:
        suffix = next((end for end in _SUFFIXES if key.endswith(end)), "")
        if not suffix:
            raise InputError(
                f"unknown model {name!r}; {nearest(key, model_names())} "
                "(`warpfive models` lists them; or give the path of a config.json)"
            )
        key = key.removesuffix(suffix)
    return index[key]


def _from_file(path: Path) -> ModelSpec:
    try:
        raw: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from None
    if not isinstance(raw, dict):
        raise InputError(f"{path}: a config.json is an object, not a {type(raw).__name__}")
    name = str(raw.get("_name_or_path") or path.resolve().parent.name or path.stem)
    return model_from_config(name, raw, str(path))
