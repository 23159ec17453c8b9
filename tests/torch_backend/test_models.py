"""Models, eager and compiled, against PyTorch on the CPU; generate() gives the same tokens."""

import copy

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tests.torch_backend import torch_models as models  # noqa: E402
from warpfive.cuda import launches  # noqa: E402


@pytest.fixture(autouse=True)
def _fresh():
    torch.manual_seed(1)
    torch._dynamo.reset()


def moved(value):
    return copy.deepcopy(value).to("cuda")


def launched(step) -> int:
    torch.cuda.synchronize()
    before = launches()
    step()
    torch.cuda.synchronize()
    return launches() - before


CASES = {
    "mlp": (models.Mlp, lambda: (torch.randn(7, 24),)),
    "recommender": (models.Recommender, models.recommender_inputs),
    "resnet": (models.resnet, lambda: (torch.randn(2, 3, 32, 32),)),
    "bert": (models.bert, lambda: (models.tokens(),)),
    "vit": (models.vit, lambda: (torch.randn(2, 3, 16, 16),)),
    "qwen3": (models.qwen3, lambda: (models.tokens(),)),
    "llama": (models.llama, lambda: (models.tokens(),)),
    "qwen3-moe": (models.qwen3_moe, lambda: (models.tokens(),)),
}


@pytest.mark.parametrize("backend", ["inductor"])
@pytest.mark.parametrize("name", CASES)
def test_models(name, backend):
    build, inputs = CASES[name]
    torch.manual_seed(1)
    model, given = build().eval(), inputs()
    on_chip = moved(model)
    compiled = torch.compile(on_chip, backend=backend)
    with torch.no_grad():
        expected = first(model(*given))
        got = first(compiled(*map(moved, given)))
        torch.testing.assert_close(got.cpu(), expected, rtol=1e-4, atol=1e-4)
        eager = launched(lambda: on_chip(*map(moved, given)))
        fused = launched(lambda: compiled(*map(moved, given)))
    assert fused < eager


def first(output):
    return output if isinstance(output, torch.Tensor) else output[0]


@pytest.mark.parametrize("cache", ["dynamic", "static"])
def test_generate_gives_the_same_tokens(cache):
    model = models.qwen3().eval()
    ids = models.tokens(1, 6)
    settings = {"max_new_tokens": 6, "do_sample": False}
    expected = model.generate(ids, **settings)
    on_chip = moved(model)
    on_chip.forward = torch.compile(on_chip.forward)
    extra = {"cache_implementation": "static"} if cache == "static" else {}
    got = on_chip.generate(ids.to("cuda"), **settings, **extra)
    assert got.cpu().tolist() == expected.tolist()


