"""The models that are timed, with random weights, and one step of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PROMPT = 512
CONTEXT = 128

Compile = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """``build(dtype, layers)`` makes the model on the CPU; ``step(model, device, compile)`` gives
    a function that runs one step. ``movable``: too large to be held twice."""

    name: str
    build: Callable[[str, int | None], Any]
    step: Callable[..., Callable[[], Any]]
    dtypes: tuple[str, ...] = ("fp32",)
    movable: bool = False


def torch_dtype(name: str) -> Any:
    import torch

    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[name]


def qwen3(dtype: str, layers: int | None) -> Any:
    """The shape of Qwen3-0.6B."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=151936, hidden_size=1024, intermediate_size=3072,
        num_hidden_layers=layers or 28, num_attention_heads=16, num_key_value_heads=8,
        head_dim=128, max_position_embeddings=40960, rope_theta=1e6, tie_word_embeddings=True,
    )  # fmt: skip
    with torch.device("meta"):
        model = Qwen3ForCausalLM(config)
    model = model.to(torch_dtype(dtype)).to_empty(device="cpu")
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.02)
        else:
            torch.nn.init.ones_(parameter)
    model.tie_weights()
    rotary = model.model.rotary_emb
    fresh = type(rotary)(config)
    rotary.inv_freq = fresh.inv_freq
    if hasattr(fresh, "original_inv_freq"):
        rotary.original_inv_freq = fresh.original_inv_freq
    return model.eval()


def prefill(model: Any, device: str, compiler: Compile | None = None) -> Callable[[], Any]:
    """Logits of the last of 512 prompt tokens."""
    import torch

    ids = torch.arange(PROMPT).unsqueeze(0).to(device)
    forward = compiler(model.forward, dynamic=False) if compiler else model.forward

    def step() -> Any:
        with torch.inference_mode():
            return forward(input_ids=ids, use_cache=False, logits_to_keep=1).logits

    return step


def decode(model: Any, device: str, compiler: Compile | None = None) -> Callable[[], Any]:
    """Logits of one token behind a context of 128, its keys and values in a static cache."""
    import torch
    from transformers import StaticCache

    cache = StaticCache(config=model.config, max_cache_len=CONTEXT * 2)
    ids = torch.arange(CONTEXT).unsqueeze(0).to(device)
    with torch.inference_mode():
        model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
    token = torch.tensor([[7]], device=device)
    position = torch.tensor([[CONTEXT]], device=device)
    forward = compiler(model.forward, dynamic=False) if compiler else model.forward

    def step() -> Any:
        with torch.inference_mode():
            rewind(cache)
            return forward(
                input_ids=token, past_key_values=cache, position_ids=position, use_cache=True
            ).logits

    return step


def rewind(cache: Any) -> None:
    """The cache as it was behind the context."""
    for layer in cache.layers:
        if hasattr(layer, "cumulative_length"):
            if isinstance(layer.cumulative_length, int):
                layer.cumulative_length = CONTEXT
            else:
                layer.cumulative_length.fill_(CONTEXT)


def bert(dtype: str, layers: int | None) -> Any:
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    config = BertConfig(num_hidden_layers=layers or 12)
    return BertModel(config).to(torch_dtype(dtype)).eval()


def encode(model: Any, device: str, compiler: Compile | None = None) -> Callable[[], Any]:
    """Hidden states of four sequences of 128 tokens."""
    import torch

    ids = (torch.arange(512) % 30000).view(4, 128).to(device)
    forward = compiler(model.forward, dynamic=False) if compiler else model.forward

    def step() -> Any:
        with torch.inference_mode():
            return forward(input_ids=ids).last_hidden_state

    return step


def resnet(dtype: str, layers: int | None) -> Any:
    import torch
    from transformers import ResNetConfig, ResNetForImageClassification

    torch.manual_seed(0)
    depths = [1, 1, 1, 1] if layers else [3, 4, 6, 3]
    model = ResNetForImageClassification(ResNetConfig(depths=depths, num_labels=1000))
    return model.to(torch_dtype(dtype)).eval()


def classify(model: Any, device: str, compiler: Compile | None = None) -> Callable[[], Any]:
    """Logits of one image of 224 x 224."""
    import torch

    torch.manual_seed(1)
    pixels = torch.randn(1, 3, 224, 224).to(device, next(model.parameters()).dtype)
    forward = compiler(model.forward, dynamic=False) if compiler else model.forward

    def step() -> Any:
        with torch.inference_mode():
            return forward(pixel_values=pixels).logits

    return step


CASES = (
    Case("qwen3-decode", qwen3, decode, ("fp32", "bf16"), movable=True),
    Case("qwen3-prefill", qwen3, prefill, movable=True),
    Case("bert-base", bert, encode),
    Case("resnet-50", resnet, classify),
)
