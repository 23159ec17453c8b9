"""Writes what is derived from the instruction table: the intrinsics header and the manual.

    python -m warpfive.isa.generate
"""

from pathlib import Path

from warpfive.isa.header import header
from warpfive.isa.manual import manual

PACKAGE = Path(__file__).parents[1]

FILES = {
    PACKAGE / "compiler" / "include" / "wf_isa.h": header,
    PACKAGE.parent / "docs" / "isa.md": manual,
}
"""Each derived file and the function that writes its text."""


def main() -> None:
    """Writes every derived file."""
    for path, text in FILES.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
