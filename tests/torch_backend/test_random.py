"""Random numbers: graphs that draw, and distributions that reject, judged by their CDFs."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor


def recorded(work: Callable[[], Tensor], *generators: torch.Generator) -> tuple[Any, Tensor]:
    """A graph of ``work`` and the tensor that a replay fills."""
    graph = torch.cuda.CUDAGraph()
    for each in generators:
        graph.register_generator_state(each)
    with torch.cuda.graph(graph):
        result = work()
    return graph, result


def test_every_replay_draws_on_where_the_generator_stands() -> None:
    x = torch.ones(1000, device="cuda")

    def work() -> Tensor:
        return torch.nn.functional.dropout(x, 0.5) + torch.rand(1000, device="cuda")

    torch.cuda.manual_seed(7)
    eager = [work().clone() for _ in range(3)]
    state = torch.cuda.get_rng_state()
    graph, result = recorded(work)
    torch.cuda.manual_seed(7)
    for expected in eager:
        graph.replay()
        assert torch.equal(result, expected)
    assert torch.equal(torch.cuda.get_rng_state(), state)
    graph.replay()
    assert not torch.equal(result, eager[-1])


def test_recording_draws_nothing() -> None:
    torch.cuda.manual_seed(3)
    before = torch.cuda.get_rng_state()
    recorded(lambda: torch.randn(10, device="cuda"))
    assert torch.equal(torch.cuda.get_rng_state(), before)


def test_a_graph_draws_from_generators_that_it_knows() -> None:
    generator = torch.Generator("cuda").manual_seed(5)

    def work() -> Tensor:
        return torch.rand(100, device="cuda", generator=generator)

    eager = [work().clone() for _ in range(2)]
    graph, result = recorded(work, generator)
    generator.manual_seed(5)
    for expected in eager:
        graph.replay()
        assert torch.equal(result, expected)
    with pytest.raises(RuntimeError, match="register_generator_state"):
        recorded(work)
    assert work().shape == (100,)  # recording ended all the same


COUNT = 20_000


def as_drawn(counts: Tensor, logarithm: Callable[[Tensor], Tensor]) -> None:
    """Whether frequencies of whole numbers are those of the distribution, by chi-squared."""
    counts = counts.double().cpu()
    top = int(counts.max()) + 1
    expected = logarithm(torch.arange(top).double()).exp() * len(counts)
    seen = torch.bincount(counts.long(), minlength=top).double()
    often = expected > 10
    statistic = ((seen - expected) ** 2 / expected)[often].sum()
    freedom = int(often.sum())
    assert statistic < freedom + 5 * (2 * freedom) ** 0.5, statistic / freedom


@pytest.mark.parametrize("mean", [0.3, 6.0, 11.0, 90.0])
def test_poisson(mean: float) -> None:
    torch.manual_seed(1)
    found = torch.poisson(torch.full((COUNT,), mean, device="cuda"))
    as_drawn(found, torch.distributions.Poisson(torch.tensor(mean).double()).log_prob)


@pytest.mark.parametrize(("n", "p"), [(5, 0.3), (40, 0.9), (60, 0.4), (300, 0.75)])
def test_binomial(n: int, p: float) -> None:
    torch.manual_seed(2)
    found = torch.binomial(
        torch.full((COUNT,), float(n), device="cuda"), torch.tensor(p, device="cuda")
    )
    assert 0 <= found.min() <= found.max() <= n
    judge = torch.distributions.Binomial(n, torch.tensor(p).double())
    as_drawn(found, judge.log_prob)


@pytest.mark.parametrize("shape", [0.3, 1.0, 7.5])
def test_gamma(shape: float) -> None:
    torch.manual_seed(3)
    found = torch._standard_gamma(torch.full((COUNT,), shape, device="cuda")).double().cpu()
    below = torch.special.gammainc(torch.tensor(shape).double(), found.sort().values)
    at = (torch.arange(COUNT) + 0.5) / COUNT
    assert (below - at).abs().max() < 2 / COUNT**0.5  # Kolmogorov and Smirnov


def test_dirichlet() -> None:
    torch.manual_seed(4)
    weights = torch.tensor([0.5, 2.0, 4.5], device="cuda").expand(COUNT, 3)
    found = torch._sample_dirichlet(weights)
    torch.testing.assert_close(found.sum(-1), torch.ones(COUNT, device="cuda"))
    mean = weights[0] / 7
    error = (mean * (1 - mean) / 8 / COUNT) ** 0.5
    assert ((found.mean(0) - mean).abs() < 5 * error).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_of_samples_are_those_of_the_host(dtype: torch.dtype) -> None:
    shape = torch.tensor([0.1, 0.7, 1.0, 3.0, 20.0, 400.0, 5000.0], dtype=dtype)
    torch.manual_seed(5)
    sample = torch._standard_gamma(shape.expand(50, 7))
    expected = torch._standard_gamma_grad(shape.expand(50, 7).double(), sample.double())
    found = torch._standard_gamma_grad(shape.expand(50, 7).cuda(), sample.cuda())
    torch.testing.assert_close(found.cpu().double(), expected, rtol=1e-3, atol=1e-5)
    weights = torch.tensor([0.2, 1.0, 3.0, 12.0], dtype=dtype).expand(50, 4)
    parts, total = torch._sample_dirichlet(weights), weights.sum(-1, keepdim=True)
    expected = torch._dirichlet_grad(parts.double(), weights.double(), total.double())
    found = torch._dirichlet_grad(parts.cuda(), weights.cuda(), total.cuda())
    torch.testing.assert_close(found.cpu().double(), expected, rtol=1e-3, atol=1e-5)
