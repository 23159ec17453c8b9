"""What the planner searches: chips, layouts and number formats worth trying."""

from collections.abc import Iterator, Sequence

from warpfive.catalog import ChipSpec, ModelSpec
from warpfive.errors import InputError
from warpfive.fleet.instance import Setup
from warpfive.perf import Layout, Speculation, check_layout

MOST_CHIPS = 64
"""Chips of the largest instance tried."""
WIDTHS = (1, 2, 4, 8, 16)
STAGES = (1, 2, 4)
GROUPS = (1, 2, 4, 8, 16, 32)


def layouts(model: ModelSpec, chip: ChipSpec, most_chips: int = MOST_CHIPS) -> Iterator[Layout]:
    """Layouts an engine could run: tensor and pipeline, data groups where experts profit."""
    for tp in WIDTHS:
        for pp in STAGES:
            for dp in GROUPS if model.is_moe else (1,):
                if tp * pp * dp > most_chips or (pp > 1 and dp > 1):
                    continue
                for ep in sorted({1, tp * dp}) if model.is_moe else (1,):
                    layout = Layout(tp=tp, pp=pp, dp=dp, ep=ep)
                    if dp > 1 and ep == 1:
                        continue  # data groups pay only where experts are spread
                    if _allowed(layout, model, chip):
                        yield layout


def _allowed(layout: Layout, model: ModelSpec, chip: ChipSpec) -> bool:
    try:
        check_layout(layout, model, chip)
    except InputError:
        return False
    return True


def formats(model: ModelSpec, chip: ChipSpec, asked: Sequence[str] = ()) -> list[tuple[str, str]]:
    """(weights, KV) formats worth trying; four-bit weights only where asked for."""
    if asked:
        return [(dtype, kv) for dtype in asked for kv in _kv_formats(chip)]
    weights = [model.dtype]
    for narrow in ("fp8", "int8"):
        if chip.native(narrow) and model.dtype in ("bf16", "fp16"):
            weights.append(narrow)
            break
    return [(dtype, kv) for dtype in weights for kv in _kv_formats(chip)]


def _kv_formats(chip: ChipSpec) -> list[str]:
    return ["bf16", "fp8"] if chip.native("fp8") else ["bf16", "int8"]


def setups(
    model: ModelSpec,
    chips: Sequence[ChipSpec],
    *,
    dtypes: Sequence[str] = (),
    engine: str = "",
    most_chips: int = MOST_CHIPS,
    speculation: Speculation | None = None,
) -> list[Setup]:
    """Every setup to try."""
    return [
        Setup(
            chip=chip, layout=layout, dtype=dtype, kv_dtype=kv, engine=engine,
            speculation=speculation,
        )
        for chip in chips
        for layout in layouts(model, chip, most_chips)
        for dtype, kv in formats(model, chip, dtypes)
    ]  # fmt: skip
