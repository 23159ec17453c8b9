"""Small models with random weights, for tests."""

from typing import Any

import torch
from torch import Tensor, nn


class Mlp(nn.Module):
    """Three layers, gelu and relu between them, a norm at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(24, 48), nn.Linear(48, 48)
        self.third, self.norm = nn.Linear(48, 16), nn.LayerNorm(16)

    def forward(self, x: Tensor) -> Tensor:
        hidden = nn.functional.gelu(self.first(x))
        return self.norm(self.third(torch.relu(self.second(hidden))))


class Recommender(nn.Module):
    """As DLRM: embeddings of categories and a dense part, their products, a click's probability."""

    def __init__(self) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.EmbeddingBag(50, 8, mode="sum") for _ in range(3))
        self.bottom = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 8), nn.ReLU())
        self.top = nn.Sequential(nn.Linear(8 + 6, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, dense: Tensor, *categories: Tensor) -> Tensor:
        first = self.bottom(dense)
        rows = [first, *(table(ids) for table, ids in zip(self.tables, categories, strict=True))]
        stacked = torch.stack(rows, 1)
        products = stacked @ stacked.transpose(1, 2)
        row, column = torch.tril_indices(4, 4, -1)
        pairs = products[:, row, column]
        return torch.sigmoid(self.top(torch.cat([first, pairs], 1)))


def recommender_inputs() -> tuple[Tensor, ...]:
    return (torch.randn(5, 6), *(torch.randint(0, 50, (5, 4)) for _ in range(3)))


def resnet() -> Any:
    from transformers import ResNetConfig, ResNetForImageClassification

    config = ResNetConfig(  # the blocks of ResNet-50
        embedding_size=8, hidden_sizes=[16, 32], depths=[1, 2], layer_type="bottleneck",
        num_labels=5,
    )  # fmt: skip
    return ResNetForImageClassification(config)


def bert() -> Any:
    from transformers import BertConfig, BertModel

    return BertModel(
        BertConfig(
            vocab_size=99, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
            intermediate_size=64, max_position_embeddings=64,
        )
    )  # fmt: skip


def vit() -> Any:
    from transformers import ViTConfig, ViTModel

    return ViTModel(
        ViTConfig(
            hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
            image_size=16, patch_size=4,
        )
    )  # fmt: skip


QWEN3 = {
    "vocab_size": 97, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8,
    "max_position_embeddings": 64, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
}  # fmt: skip


def qwen3() -> Any:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    return Qwen3ForCausalLM(Qwen3Config(**QWEN3))


def qwen3_moe() -> Any:
    from transformers import Qwen3MoeConfig, Qwen3MoeForCausalLM

    return Qwen3MoeForCausalLM(
        Qwen3MoeConfig(
            **QWEN3, moe_intermediate_size=16, num_experts=4, num_experts_per_tok=2,
            decoder_sparse_step=1, norm_topk_prob=True,
        )
    )  # fmt: skip


def llama() -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(LlamaConfig(**QWEN3))


def tokens(rows: int = 2, length: int = 9) -> Tensor:
    return torch.randint(3, 97, (rows, length))
