"""Predict measured cases: one step table per configuration, one served load per setting."""

import re
from collections.abc import Callable
from dataclasses import replace

from warpfive.catalog import ChipSpec, EngineProfile, chip, engine_profile, model
from warpfive.errors import InputError
from warpfive.perf.correct import corrected
from warpfive.perf.kernels import Efficiency, efficiency
from warpfive.perf.layout import Layout
from warpfive.perf.ledger import ledger, weights_bytes
from warpfive.perf.load import Load, Served
from warpfive.perf.rows import Case
from warpfive.perf.serve import Followed, averages, follow
from warpfive.perf.step import StepModel
from warpfive.perf.table import StepTable


class Predictor:
    """Predictions that share step tables and served loads between cases.

    ``profile_of`` and ``fit_of`` replace the shipped engine profiles and chip efficiencies, which
    is how fitting and calibration try other values.
    """

    def __init__(
        self,
        profile_of: Callable[[str], EngineProfile] = engine_profile,
        fit_of: Callable[[ChipSpec], Efficiency] = efficiency,
    ) -> None:
        self.profile_of, self.fit_of = profile_of, fit_of
        self._tables: dict[tuple[object, ...], StepTable] = {}
        self._served: dict[tuple[object, ...], Served] = {}

    def __call__(self, case: Case) -> float:
        """The case's quantity in seconds or per second, for the whole instance."""
        if case.quantity == "prefill_rate":
            return self._prefill_rate(case)
        if case.quantity == "decode_rate":
            batch = case.concurrency * case.layout.dp
            context = case.input_tokens + case.output_tokens / 2
            return batch / self.table(case, case.layout).step.decode(batch, batch * context)
        if case.quantity == "memory_bytes":
            return self._memory(case)
        tail = re.fullmatch(r"(ttft|tpot)_p(\d+)_s", case.quantity)
        if tail:
            return self.served(case).tail(tail.group(1), int(tail.group(2)) / 100)
        return float(getattr(self.served(case), case.quantity))

    def table(self, case: Case, layout: Layout) -> StepTable:
        """Step table of a case's configuration."""
        key = (
            case.chip, case.model, case.engine, case.dtype, case.kv_dtype, layout,
            case.chunk_tokens, case.mixed,
        )  # fmt: skip
        if key not in self._tables:
            spec, engine = chip(case.chip), self.profile_of(case.engine)
            if case.chunk_tokens:
                engine = replace(
                    engine.on(spec), chunk_tokens=case.chunk_tokens, small_chunk_tokens=0
                )
            if case.mixed:
                engine = engine.mixing()
            step = StepModel(
                spec, model(case.model), layout, engine, case.dtype, case.kv_dtype,
                fit=self.fit_of(spec),
            )  # fmt: skip
            self._tables[key] = StepTable(step)
        return self._tables[key]

    def served(self, case: Case) -> Served:
        """Averages of the case's load."""
        if case.setting not in self._served:
            self._served[case.setting] = self._serve(case)
        return self._served[case.setting]

    def _memory(self, case: Case) -> float:
        """Bytes of weights and of the requests' KV cache at their longest."""
        step = self.table(case, case.layout).step
        tokens = case.concurrency * (case.input_tokens + case.output_tokens)
        return weights_bytes(step) + step.model.kv_bytes(tokens, step.precision.kv)

    def _prefill_rate(self, case: Case) -> float:
        table = self.table(case, case.layout)
        prompts = max(1, round(table.step.engine.chunk_tokens / case.input_tokens))
        prompts *= case.layout.dp
        tokens = prompts * case.input_tokens
        return tokens / table.prefill(tokens, 0.0, prompts)

    def _serve(self, case: Case) -> Served:
        engine = self.table(case, case.layout).step.engine
        served = averages(self.followed(case), engine)
        return corrected(served, engine, load_of(case), case.layout.chips)

    def followed(self, case: Case) -> Followed:
        """The case's load on its instance."""
        table = self.table(case, case.layout)
        engine = table.step.engine
        room = ledger(table.step).kv_tokens
        if room < case.input_tokens + engine.reserve * case.output_tokens:
            raise InputError(
                f"{case.model} on {case.chip} at {case.layout}: room for {room} tokens of KV cache "
                f"is less than one request of {case.input_tokens:.0f}"
            )
        prefill = self.table(case, case.prefill_layout) if case.prefill_layout else None
        return follow(table, load_of(case), room, case.slots or engine.slots, prefill)


def load_of(case: Case) -> Load:
    """The load a case was measured under."""
    return Load(
        input_tokens=case.input_tokens, output_tokens=case.output_tokens,
        concurrency=case.concurrency, requests=case.requests, spread=case.spread,
    )  # fmt: skip
