"""Derived files say what the table says."""


import pytest

from warpfive.isa import ROWS, SPECIAL_REGISTERS
from warpfive.isa.generate import FILES
from warpfive.isa.header import header, intrinsic_name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_derived_files_are_current(path):
    assert path.read_text(encoding="utf-8") == FILES[path](), (
        f"{path.name} is stale: run python -m warpfive.isa.generate"
    )


def test_every_extension_instruction_and_register_has_an_intrinsic():
    text = header()
    names = [row.name for row in ROWS if row.extension == "Xwarp" and row.name != "wf.sr"]
    for name in names + [register.name for register in SPECIAL_REGISTERS]:
        assert f" {intrinsic_name(name)}(" in text.replace("*", " ")
