"""Rooms import only rooms above them, and enter another room by its door."""

import ast
from pathlib import Path

import warpfive

ROOT = Path(warpfive.__file__).parent

RANKS = {
    "units": 0, "errors": 0,
    "cache": 1, "numerics": 1, "catalog": 1, "engine": 1,
    "cbuild": 1.5,
    "isa": 2, "perf": 2,
    "translator": 3, "compiler": 3, "fleet": 3,
    "chip": 4,
    "runtime": 5, "cuda": 5,
    "kernels": 6,
    "torch_backend": 7,
    "serving": 8,
    "cli": 9, "__main__": 10,
}  # fmt: skip


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> list[str]:
    """Dotted names below ``warpfive`` that the file imports, anywhere in it."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "warpfive":
                found += [f"warpfive.{alias.name}" for alias in node.names]
            else:
                found.append(node.module)
    return [name.removeprefix("warpfive.") for name in found if name.startswith("warpfive.")]


def sources() -> list[Path]:
    return [path for path in sorted(ROOT.rglob("*.py")) if path != ROOT / "__init__.py"]


def test_every_room_has_a_rank():
    assert {room_of(path) for path in sources()} <= set(RANKS)


def test_rooms_import_only_rooms_above_them():
    for path in sources():
        here = room_of(path)
        for name in imports(path):
            other = name.split(".")[0]
            if other in (here, "__version__"):
                continue
            lower = RANKS[other] < RANKS[here] or {here, other} == {"runtime", "cuda"}
            assert lower, f"{path.relative_to(ROOT)} imports {name}"


def test_rooms_are_entered_by_their_doors():
    for path in sources():
        here = room_of(path)
        for name in imports(path):
            other = name.split(".")[0]
            assert other == here or "." not in name, f"{path.relative_to(ROOT)} imports {name}"
