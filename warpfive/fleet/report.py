"""Answers as JSON. Every key and unit is described in docs/plan.md."""

from warpfive.fleet.capacity import Measured, PoolPlan
from warpfive.fleet.gap import Gap, Ratio, Rung, Side
from warpfive.fleet.launch import launch_commands
from warpfive.fleet.plan import Ask, ParetoPoint, Plan, Search
from warpfive.perf import band


def search_json(found: Search, top: int = 10) -> dict:
    """The whole answer of ``warpfive plan``."""
    ask = found.ask
    return {
        "model": ask.model.name,
        "chips": [chip.name for chip in ask.chips],
        "workload": {
            "name": ask.workload.name,
            "prompt_tokens": found.need.prompt,
            "output_tokens": found.need.output,
            "reusable_share": found.need.hit_share,
        },
        "slo": {**{f"{name}_s": value for name, value in ask.slo.limits.items()},
                "share": ask.slo.share},
        "rate_per_s": ask.rate,
        "chips_max": ask.chips_max,
        "holds": bool(found.plans),
        "verdict": found.verdict,
        "plans": [plan_json(plan, _weights(ask)) for plan in found.plans[:top]],
        "nearest": plan_json(found.nearest, _weights(ask)) if found.nearest else None,
        "pareto": [_point(point) for point in found.pareto],
        "search": {
            "setups": found.setups, "configurations": found.configurations,
            "simulations": found.simulations, "seconds": found.seconds,
            "refused": found.refused,
        },
    }  # fmt: skip


def _weights(ask: Ask) -> str:
    """What launch lines call the model."""
    return ask.model.hub or ask.model.name


def plan_json(plan: Plan, model: str) -> dict:
    """One plan."""
    return {
        "pools": [_pool(pool, plan.groups) for pool in plan.group.pools],
        "routing": plan.group.routing,
        "rate_per_s": plan.rate,
        "chips": plan.chips,
        "nodes": plan.nodes,
        "power_w": plan.power_w,
        "usd_per_h": plan.usd_per_h,
        "usd_per_million_output_tokens": plan.usd_per_mtoken,
        "usd_per_million_tokens": plan.usd_per_mtoken_all,
        "output_tokens_per_s": plan.output_rate,
        "output_tokens_per_s_per_chip": plan.output_rate / plan.chips,
        "output_tokens_per_s_per_user": 1 / plan.measured.tpot_mean_s,
        "holds": plan.holds,
        "limit_ratios": plan.ratios,
        **_measured(plan.measured),
        "bands": bands_json(plan),
        "launch": launch_commands(plan.group, model),
    }


def bands_json(plan: Plan) -> dict:
    """80% bands of TTFT and TPOT, from how far predictions for the pools' chips have been off."""
    found = {}
    for name, place in (("ttft", 0), ("tpot", -1)):
        known = band(f"{name}_s", plan.group.pools[place].setup.chip.name)
        low, high = known.around(plan.measured.reached[name])
        found[f"{name}_s"] = {"p10": low, "p90": high, "basis": known.basis}
    return found


def _measured(run: Measured) -> dict:
    return {
        **{f"{name}_s": value for name, value in run.reached.items()},
        "ttft_mean_s": run.ttft_mean_s,
        "tpot_mean_s": run.tpot_mean_s,
        "prefix_hit_share": run.hit_share,
        "preemptions": run.preemptions,
        "utilisation": run.utilisation,
        "requests_simulated": run.requests,
    }


def _pool(pool: PoolPlan, groups: int) -> dict:
    layout, setup = pool.setup.layout, pool.setup
    return {
        "role": pool.role,
        "chip": setup.chip.name,
        "replicas": pool.replicas * groups,
        **{name: getattr(layout, name) for name in ("tp", "pp", "dp", "ep", "cp")},
        "dtype": setup.dtype,
        "kv_dtype": setup.kv_dtype,
        "engine": setup.profile.name,
        "max_seqs": pool.max_seqs,
        "max_tokens": pool.max_tokens,
    }


def _point(point: ParetoPoint) -> dict:
    pick = PoolPlan(
        role="serve", setup=point.setup, replicas=1, max_seqs=point.batch, max_tokens=point.chunk
    )
    return {
        **_pool(pick, 1),
        "output_tokens_per_s_per_user": point.user_rate,
        "output_tokens_per_s_per_chip": point.chip_rate,
        "ttft_mean_s": point.ttft_s,
    }


def gap_json(gap: Gap) -> dict:
    """The whole answer of ``warpfive gap``."""
    return {
        "model": gap.model.name,
        "workload": gap.workload,
        "slo": {**{f"{name}_s": value for name, value in gap.slo.limits.items()},
                "share": gap.slo.share},
        "limits_widened": gap.widened,
        "draws": gap.draws,
        "band_basis": gap.basis,
        "own": _side(gap.own),
        "other": _side(gap.other),
        "chip_to_chip": _band(gap.chip_to_chip),
        "whole_to_naive": _band(gap.whole_to_naive),
        "whole_to_whole": _band(gap.whole_to_whole),
    }  # fmt: skip


def _side(side: Side) -> dict:
    return {"chip": side.chip.name, "steps": [_rung(rung) for rung in side.rungs]}


def _rung(rung: Rung) -> dict:
    return {
        "key": rung.key,
        "name": rung.name,
        "output_tokens_per_s_per_chip": rung.value,
        "output_tokens_per_s_per_chip_p10": rung.value_low,
        "output_tokens_per_s_per_chip_p90": rung.value_high,
        "gain": rung.gain,
        "gain_p10": rung.low,
        "gain_p90": rung.high,
        "kept": rung.kept,
        "detail": rung.detail,
    }


def _band(ratio: Ratio) -> dict:
    return {"value": ratio.value, "p10": ratio.low, "p90": ratio.high}
