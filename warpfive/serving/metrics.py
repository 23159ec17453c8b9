"""Prometheus figures, under the names that dashboards of vLLM know where they mean the same."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from warpfive.serving.service import Service

GAUGES = {
    "vllm:num_requests_running": "Sequences in the batch.",
    "vllm:num_requests_waiting": "Sequences in the queue.",
    "vllm:kv_cache_usage_perc": "Share of the KV blocks in use, 0 to 1.",
    "warpfive:late_seconds": "How far the host is behind the chip's clock.",
}
COUNTERS = {
    "vllm:prompt_tokens": "Prompt tokens received.",
    "vllm:generation_tokens": "Tokens generated.",
    "vllm:request_success": "Requests answered.",
    "warpfive:requests_aborted": "Requests whose client left.",
    "warpfive:steps": "Steps of the engine.",
}


class _Collector:
    """Reads a service when it is asked."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def collect(self) -> Iterable[Metric]:
        """Every figure now."""
        service, scheduler = self.service, self.service.engine.scheduler
        used = 1 - scheduler.pool.available / service.config.kv_blocks
        gauges = (len(scheduler.running), len(scheduler.waiting), used, service.late_s)
        for (name, meaning), value in zip(GAUGES.items(), gauges, strict=True):
            yield GaugeMetricFamily(name, meaning, value)
        counters = (
            service.prompt_tokens, service.output_tokens, service.finished, service.aborted,
            service.steps,
        )  # fmt: skip
        for (name, meaning), value in zip(COUNTERS.items(), counters, strict=True):
            yield CounterMetricFamily(name, meaning, value)


def exposition(service: Service) -> bytes:
    """The figures in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Collector(service))
    return generate_latest(registry)
