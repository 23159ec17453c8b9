"""Time of one kernel on a chip: a softened maximum of its bounds, plus a fixed start.

Every function takes shapes and an ``Efficiency`` and gives seconds. A bound's time is its work over
the share of the peak that measured kernels reach.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache, lru_cache
from pathlib import Path
from statistics import NormalDist
from typing import Any

from warpfive.catalog import DTYPE_BYTES, AttentionSpec, ChipSpec

FITS = Path(__file__).parent / "efficiency.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Efficiency:
    """Shares of a chip's peaks that its kernels reach, and their fixed times."""

    gemm: float = 0.78
    """Large matrix products in 16 bits, share of the dense peak."""
    gemm_8bit: float = 0.72
    stream: float = 0.82
    """Weights read from device memory, share of peak bandwidth."""
    stream_4bit: float = 0.35
    """The same for 4-bit integer weights, which are unpacked on the way."""
    unpack: float = 0.0
    """Bytes a 4-bit integer weight moves beyond its own, where it is unpacked through memory."""
    grouped: float = 0.70
    """Expert products, share of the dense peak."""
    grouped_stream: float = 0.75
    attention: float = 0.60
    """Prefill attention of long prompts, share of the 16-bit peak."""
    attention_half: float = 500.0
    """Tokens of a prompt at which prefill attention reaches half of that share."""
    attention_stream: float = 0.75
    """KV cache read by decode attention, share of peak bandwidth."""
    gqa_decode: float = 0.42
    """Decode attention of grouped queries, share of the 16-bit peak."""
    mla_decode: float = 0.58
    """Decode attention over a shared latent, share of the 16-bit peak."""
    kernel_s: float = 3e-6
    """Least time of one kernel inside a captured graph."""
    attention_s: float = 6e-6
    """Least time of one decode attention kernel."""
    sharpness: float = 3.0
    """Exponent that joins the bounds; infinite would be their maximum."""
    pull: float = 2.0
    """Cores' worth of bandwidth one 64 x 64 tile can ask for."""
    link: float = 0.75
    """Share of the scale-up bandwidth a large collective reaches."""
    allreduce_s: float = 4e-6
    """Least time of an all-reduce inside a node."""
    gather_s: float = 50e-6
    """Least time of an all-gather or reduce-scatter among data-parallel groups, slowest awaited."""
    network: float = 0.8


def join(sharpness: float, *times: float) -> float:
    """Softened maximum of the bounds' times."""
    largest = max(times)
    if largest <= 0:
        return 0.0
    return largest * sum((time / largest) ** sharpness for time in times) ** (1 / sharpness)


TILES = ((64, 64), (64, 128), (128, 128), (256, 128))
"""Rows and columns of the output tiles a library chooses among."""
FLAT_TILES = ((16, 128), (32, 128), *TILES)
"""Tiles of kernels for few rows that unpack 4-bit weights on the way (Marlin, AWQ)."""


def tile_seconds(
    chip: ChipSpec, shape: tuple[float, float, int, int], rate: float,
    tile_shapes: Sequence[tuple[int, int]] = TILES,
) -> float:  # fmt: skip
    """Least time over tile shapes of ``groups`` products (m, n, k): whole waves of whole tiles.

    ``shape`` is (groups, m, n, k) and ``rate`` the operations per second of the busy chip.
    """
    groups, m, n, k = shape
    return _outputs(chip.cores, groups, m, n, tuple(tile_shapes)) * 2 * k * chip.cores / rate


@lru_cache(maxsize=1 << 16)
def _outputs(
    cores: int, groups: float, m: float, n: int, tile_shapes: tuple[tuple[int, int], ...]
) -> float:
    """Output elements that the busiest core computes, over whole tiles in whole waves."""
    best = math.inf
    for tile_m, tile_n in tile_shapes:
        tiles = groups * math.ceil(m / tile_m) * math.ceil(n / tile_n)
        waves = math.ceil(tiles / cores) if groups == int(groups) else max(1.0, tiles / cores)
        best = min(best, waves * tile_m * tile_n)
    return best


def reach(chip: ChipSpec, fit: Efficiency, tiles: float) -> float:
    """Share of the streaming rate that so few tiles can ask for."""
    return min(1.0, tiles * fit.pull / chip.cores)


def gemm(
    chip: ChipSpec, fit: Efficiency, shape: tuple[float, int, int], weights: str, compute: str,
    reuse: float = 1.0,
) -> float:  # fmt: skip
    """Seconds of an (m, k) x (k, n) product with resident weights; shape is (m, n, k).

    Of the left matrix ``1 / reuse`` comes from memory; a convolution's windows overlap.
    """
    m, n, k = shape
    if m <= 0:
        return 0.0
    rate = chip.rates[compute] * (fit.gemm_8bit if DTYPE_BYTES[compute] < 2 else fit.gemm)
    packed = weights == "int4"
    compute_s = tile_seconds(chip, (1, m, n, k), rate, FLAT_TILES if packed else TILES)
    stream = fit.stream_4bit if packed and not fit.unpack else fit.stream
    inputs = k / reuse * max(1.0, DTYPE_BYTES[compute])
    moved = n * k * weight_bytes(fit, weights) + m * (inputs + 2 * n)
    tiles = math.ceil(m / 64) * math.ceil(n / 64)
    stream_s = moved / (chip.memory.bandwidth * stream * reach(chip, fit, tiles))
    return join(fit.sharpness, compute_s, stream_s) + fit.kernel_s


def weight_bytes(fit: Efficiency, weights: str) -> float:
    """Bytes that one weight moves in a product."""
    return DTYPE_BYTES[weights] + (fit.unpack if weights == "int4" else 0.0)


def active_experts(experts: int, top_k: int, tokens: float) -> float:
    """Expected number of distinct experts that ``tokens`` tokens choose."""
    return experts * (1 - (1 - top_k / experts) ** tokens)


@cache
def _top_deviation(ranks: int) -> float:
    """Standard deviations that the fullest of so many ranks lies above the mean (Blom, 1958)."""
    return NormalDist().inv_cdf((ranks - 0.375) / (ranks + 0.25)) if ranks > 1 else 0.0


def fullest(each: float, chance: float, ranks: int) -> float:
    """Expected count of the fullest of ``ranks`` that draw ``each`` times with this chance."""
    mean = each * chance
    return min(each, mean + _top_deviation(ranks) * math.sqrt(mean * (1 - chance)))


def grouped_gemm(
    chip: ChipSpec, fit: Efficiency, shape: tuple[float, float, int, int], weights: str,
    compute: str,
) -> float:  # fmt: skip
    """Seconds of one product over experts; shape is (rows in all, experts hit, n, k)."""
    rows, hit, n, k = shape
    if rows <= 0:
        return 0.0
    each = rows / max(hit, 1e-9)
    rate = chip.rates[compute] * fit.grouped
    tile_shapes = FLAT_TILES if weights == "int4" else TILES
    compute_s = tile_seconds(chip, (hit, each, n, k), rate, tile_shapes)
    moved = hit * n * k * weight_bytes(fit, weights)
    moved += rows * (k * max(1.0, DTYPE_BYTES[compute]) + 2 * n)
    tiles = hit * math.ceil(each / 64) * math.ceil(n / 64)
    stream_s = moved / (chip.memory.bandwidth * fit.grouped_stream * reach(chip, fit, tiles))
    return join(fit.sharpness, compute_s, stream_s) + fit.kernel_s


def prefill_attention(chip: ChipSpec, fit: Efficiency, flops: float, tokens: float) -> float:
    """Seconds of causal attention of that many operations (already halved by the mask)."""
    share = fit.attention * tokens / (tokens + fit.attention_half)
    return flops / (chip.rate("bf16") * share)


def context_seconds(
    chip: ChipSpec, fit: Efficiency, spec: AttentionSpec, kv: str, tp: int = 1
) -> float:
    """Seconds that one token of context adds to a decode attention kernel, ``tp`` chips wide."""
    stream = chip.memory.bandwidth * fit.attention_stream
    heads, peak = spec.heads / tp, chip.rate("bf16")
    size = DTYPE_BYTES[kv]
    if spec.kind == "mla":
        compute = 2 * heads * (2 * spec.kv_rank + spec.rope_dim) / (peak * fit.mla_decode)
        moved = (spec.kv_rank + spec.rope_dim) * size / stream
    else:
        width = spec.head_dim + spec.value_dim
        compute = 2 * heads * width / (peak * fit.gqa_decode)
        moved = max(1.0, spec.kv_heads / tp) * width * size / stream
    return join(fit.sharpness, compute, moved)


def decode_attention(
    chip: ChipSpec, fit: Efficiency, spec: AttentionSpec, tokens: float, kv: str
) -> float:
    """Seconds of decode attention over ``tokens`` tokens of context in all sequences."""
    return tokens * context_seconds(chip, fit, spec, kv) + fit.attention_s


STATE_BYTES = 15.0
"""Bytes a decode step moves for each fp32 element of linear attention's state.

Read and written once would be 8; the measured kernels of Qwen3-Next on H20 take as long as 15.
"""
LINEAR_TOKEN_S = 46e-9
"""Seconds one prompt token adds to a linear attention layer's chain of chunks (H20, measured)."""
LINEAR_TOKEN_BYTES = 96.0
"""Bytes its other kernels move for each token and value element (H20, measured)."""


def linear_prefill(
    chip: ChipSpec, fit: Efficiency, spec: AttentionSpec, tokens: float, groups: int
) -> float:
    """Seconds of one linear attention layer over a prompt: a serial chain, and streaming."""
    elements = spec.heads * spec.value_dim / groups
    moved = tokens * elements * LINEAR_TOKEN_BYTES
    return tokens * LINEAR_TOKEN_S + moved / (chip.memory.bandwidth * fit.stream)


def all_reduce(chip: ChipSpec, fit: Efficiency, data_bytes: float, members: int) -> float:
    """Seconds to sum ``data_bytes`` over the members of a scale-up domain."""
    if members <= 1:
        return 0.0
    bandwidth = link_bandwidth(chip, members) * fit.link
    wire = 2 * (members - 1) / members * data_bytes / bandwidth
    return fit.allreduce_s * (1 + 0.15 * math.log2(members)) + wire


def link_bandwidth(chip: ChipSpec, members: int) -> float:
    """Bytes per second one member can send to the others; a mesh offers only the links to them."""
    if chip.link.topology == "mesh" and chip.link.domain > 1:
        peers = min(chip.link.domain, 8) - 1
        return chip.link.bandwidth * min(1.0, (members - 1) / peers)
    return chip.link.bandwidth


LOW_LATENCY_TOKENS = 512
"""Up to so many tokens a rank, each copy goes straight to its expert's chip."""


def copies(chip: ChipSpec, top_k: int, members: int, tokens: float) -> float:
    """Copies of a token that leave its chip: one an expert, or one a node for large batches."""
    nodes = members / min(members, chip.link.domain)
    if nodes <= 1 or tokens <= LOW_LATENCY_TOKENS:
        return min(top_k, members)
    return nodes * (1 - (1 - 1 / nodes) ** top_k)


def exchange(
    chip: ChipSpec, fit: Efficiency, data_bytes: float, members: int, least_s: float = 0.0
) -> float:
    """Seconds for each member to send ``data_bytes``, spread evenly over all members."""
    if members <= 1:
        return 0.0
    inside = min(members, chip.link.domain)
    near = (inside - 1) / (members - 1)
    near_s = data_bytes * near / (link_bandwidth(chip, inside) * fit.link)
    far_s = data_bytes * (1 - near) / (chip.network.bandwidth * fit.network)
    latency = chip.link.latency_s if inside == members else chip.network.latency_s
    return max(near_s, far_s) + max(least_s, 2 * latency)


@cache
def _fits() -> dict[str, Any]:
    return json.loads(FITS.read_text(encoding="utf-8")) if FITS.exists() else {}


def efficiency(chip: ChipSpec) -> Efficiency:
    """Fitted efficiencies of a chip; of its family, or the general ones, where none were fitted.

    A measured streaming rate in the catalog replaces the fitted share of bandwidth.
    """
    data = _fits()
    values = dict(data.get("default", {}))
    values.update(data.get("chips", {}).get(data.get("families", {}).get(chip.name, ""), {}))
    values.update(data.get("chips", {}).get(chip.name, {}))
    fit = efficiency_from(values)
    measured = chip.memory.effective_bandwidth
    if measured and chip.name not in data.get("chips", {}):
        share = measured / chip.memory.bandwidth
        fit = replace(fit, stream=share, grouped_stream=0.95 * share, attention_stream=0.95 * share)
    return fit


def efficiency_from(values: Mapping[str, float]) -> Efficiency:
    """An ``Efficiency`` from stored values, ignoring keys it does not have."""
    known = {item.name for item in fields(Efficiency)}
    return Efficiency(**{key: value for key, value in values.items() if key in known})
