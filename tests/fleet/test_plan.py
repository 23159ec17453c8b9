"""The planner: screen against simulation, answers, refusals, JSON, launch lines."""

import json
from dataclasses import replace

import pytest

from warpfive.catalog import chip, model
from warpfive.cli import main
from warpfive.errors import InputError
from warpfive.fleet import (
    Ask,
    Instance,
    Setup,
    demand,
    launch_commands,
    parse_slo,
    parse_workload,
    search,
    simulate,
    step_cost,
    summarise,
    with_prices,
)
from warpfive.fleet.screen import screen
from warpfive.perf import Layout

CHAT = parse_workload("chat")
SLO = parse_slo("ttft=2s,tpot=60ms")


def ask(**changes) -> Ask:
    values = dict(
        model=model("qwen3-8b"), chips=(chip("h20"), chip("zhenwu-810e")), workload=CHAT, slo=SLO,
        rate=20.0, most_chips=2,
    )  # fmt: skip
    return Ask(**{**values, **changes})


@pytest.fixture(scope="module")
def found():
    return search(ask(), workers=1)


@pytest.fixture(scope="module")
def instance():
    setup = Setup(chip=chip("h20"), layout=Layout(tp=2), dtype="fp8", kv_dtype="fp8")
    return Instance(model("qwen3-8b"), setup, demand(CHAT).context)


def test_step_tables_follow_the_step_model(instance):
    step, cost = instance.step, instance.cost
    for batch, context in ((1, 500), (48, 1300), (256, 1500)):
        exact = step.decode(batch, batch * context)
        table = cost.step_ps([(context - 1, 1)] * batch) / 1e12
        assert table == pytest.approx(exact, rel=0.05)
    for tokens in (64, 700, 4000):
        assert cost.step_ps([(0, tokens)]) / 1e12 == pytest.approx(step.prefill(tokens), rel=0.12)
    mixed = cost.step_ps([(0, 900)] + [(1299, 1)] * 64) / 1e12
    assert mixed == pytest.approx(step.mixed(900, 0, 64, 64 * 1300), rel=0.08)


def test_speculation_makes_steps_cheaper_a_token(instance):
    class Twice:
        tokens_per_step = 2.0
        decode, prefill, mixed = instance.step.decode, instance.step.prefill, instance.step.mixed

    single = step_cost(instance.step, max_seqs=64, max_tokens=2048, context=1000)
    double = step_cost(Twice(), max_seqs=64, max_tokens=2048, context=1000)
    assert double.decode_ps[32] == pytest.approx(single.decode_ps[32] / 2, rel=1e-6)
    assert double.mixed_ps[512] == single.mixed_ps[512]


def test_the_screen_agrees_with_the_simulation(instance):
    need = demand(CHAT)
    points = screen(instance, need, chunks=(4096,))
    for place in (4, 8, 11):
        rate = float(points.rate[place])
        outcome = simulate(CHAT.trace(3000, rate), instance.config(1024, 4096), instance.cost)
        summary = summarise(outcome)
        assert summary.tpot_mean_s == pytest.approx(points.tpot_s[place], rel=0.15)
        ttft = summary.ttft_mean_s + instance.front_s
        assert ttft == pytest.approx(points.ttft_s[place], rel=0.5)


def test_plans_hold_their_limits_and_come_cheapest_first(found):
    assert found.plans and not found.verdict
    assert all(plan.holds and plan.rate == 20.0 for plan in found.plans)
    costs = [plan.usd_per_h for plan in found.plans]
    assert costs == sorted(costs)
    best = found.plans[0]
    assert best.usd_per_mtoken == pytest.approx(
        best.usd_per_h / 3600 / (20.0 * best.measured.output_tokens) * 1e6
    )
    assert best.nodes >= 1 and best.power_w > 400 * best.chips


def test_the_front_has_no_beaten_point(found):
    users = [point.user_rate for point in found.pareto]
    chips = [point.chip_rate for point in found.pareto]
    assert users == sorted(users, reverse=True) and chips == sorted(chips)


def test_chips_max_serves_as_much_as_so_many_can():
    result = search(ask(rate=None, chips_max=4, split=False, chips=(chip("h20"),)), workers=1)
    assert all(plan.chips <= 4 for plan in result.plans)
    rates = [plan.rate for plan in result.plans]
    assert rates == sorted(rates, reverse=True)


def test_what_cannot_be_held_is_named_with_the_nearest_plan():
    result = search(ask(slo=parse_slo("ttft=1ms,tpot=60ms"), chips=(chip("h20"),)), workers=1)
    assert not result.plans
    assert result.verdict.startswith("ttft 1 ms cannot be held at any rate: h20 ")
    assert "shorten the requests or name a faster chip" in result.verdict
    assert max(result.nearest.ratios.values()) > 1 and result.nearest.rate == 20.0


def test_separate_pools_may_use_different_chips():
    picks = parse_workload("input=8000,output=300")
    chips = (chip("h100"), chip("h20"))
    result = search(ask(chips=chips, workload=picks, rate=None, most_chips=1), workers=1)
    split = [plan for plan in result.plans if len(plan.group.pools) == 2]
    assert any(len({pool.setup.chip.name for pool in plan.group.pools}) == 2 for plan in split)
    lines = launch_commands(split[0].group, "MODEL")
    assert "--disaggregation-mode prefill" in lines["sglang"][0]
    assert "kv_connector" in lines["vllm"][1] and "warpfive" not in lines


def test_launch_lines_name_the_layout(found):
    plan = replace(found.plans[0].group.pools[0], max_seqs=64, max_tokens=2048, setup=Setup(
        chip=chip("h20"), layout=Layout(tp=4, dp=2, ep=8), dtype="fp8", kv_dtype="fp8",
    ))  # fmt: skip
    lines = launch_commands(replace(found.plans[0].group, pools=(plan,)), "M")
    assert lines["vllm"] == [
        "vllm serve M --tensor-parallel-size 4 --data-parallel-size 2 --enable-expert-parallel "
        "--max-num-seqs 32 --max-num-batched-tokens 1024 --quantization fp8 --kv-cache-dtype fp8"
        "  # h20"
    ]
    assert lines["sglang"][0].startswith(
        "python -m sglang.launch_server --model-path M --tp-size 8 --dp-size 2 "
        "--enable-dp-attention --ep-size 8 --max-running-requests 64"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"chips_max": 8},
            "--rate and --chips-max: give one of them; the other is the answer",
        ),
        ({"rate": -1.0}, "--rate -1: must be above 0 requests per second"),
        ({"rate": None, "chips_max": 0}, "--chips-max 0: must be at least 1"),
        ({"chips": ()}, "--chips: name at least one chip"),
        (
            {"model": model("bert-base")},
            "--model bert-base: a plan is for models that generate text; this one is an encoder "
            "model",
        ),
    ],
)
def test_contradictory_questions_are_refused(changes, message):
    with pytest.raises(InputError) as error:
        ask(**changes)
    assert str(error.value) == message


def test_a_model_that_fits_nowhere_says_so():
    question = ask(model=model("deepseek-v3"), chips=(chip("h100"),), most_chips=4)
    with pytest.raises(InputError) as error:
        search(question, workers=1)
    assert str(error.value) == "deepseek-v3: no setup can run on h100: does not fit"


def test_a_price_for_another_chip_is_refused():
    with pytest.raises(InputError) as error:
        with_prices((chip("h20"),), {"h100": 2.0})
    assert str(error.value) == "--price h100: is none of the chips asked for: h20"


def test_the_command_writes_documented_json(tmp_path, capsys):
    target = tmp_path / "plan.json"
    words = (
        "plan --model qwen3-8b --chips h20 --slo ttft=2s,tpot=60ms --rate 5 --instance-max 1 "
        f"--no-split --workers 1 --json {target}"
    )
    assert main(words.split()) == 0
    data = json.loads(target.read_text())
    assert data["holds"] and data["plans"][0]["pools"][0]["chip"] == "h20"
    assert data["plans"][0]["bands"]["tpot_s"]["p10"] < data["plans"][0]["tpot_s"]
    text = capsys.readouterr().out
    assert "cheapest for 5 requests/s" in text and "vllm serve" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--dtype fp9", "--dtype 'fp9': unknown; known: fp32, bf16"),
        ("--price h20=x", "--price 'h20=x': must be CHIP=USD, such as h20=1.2"),
        ("--speculate 0:2", "--speculate '0:2': must be draft tokens and the chance"),
        ("--workload chit", "workload 'chit': unknown; known: chat, code"),
    ],
)
def test_bad_options_are_one_sentence(words, message, capsys):
    line = f"plan --model qwen3-8b --chips h20 --slo ttft=1s {words}"
    assert main(line.split()) == 2
    assert capsys.readouterr().err.startswith(f"warpfive: {message}")
