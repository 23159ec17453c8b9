"""Shapes read from configs add up to the published sizes."""

import json

import pytest

from warpfive import catalog
from warpfive.errors import InputError


@pytest.mark.parametrize("name", catalog.model_names())
def test_parameters_match_the_published_total(name):
    model = catalog.model(name)
    assert model.parameters == pytest.approx(model.published_parameters, rel=0.006)


@pytest.mark.parametrize(
    ("name", "active"),
    [("qwen3-235b-a22b", 22.2e9), ("deepseek-v3", 37.5e9), ("gpt-oss-120b", 5.1e9),
     ("kimi-k2", 32.9e9), ("mixtral-8x7b", 12.9e9)],
)  # fmt: skip
def test_active_parameters_match_the_published_ones(name, active):
    assert catalog.model(name).active_parameters == pytest.approx(active, rel=0.05)


def test_kv_bytes_by_hand():
    # 36 layers x (8 key + 8 value heads) x 128 x 2 bytes
    assert catalog.model("qwen3-8b").kv_bytes_per_token("bf16") == 36 * 16 * 128 * 2
    # 61 layers x (512 latent + 64 rope) x 2 bytes
    assert catalog.model("deepseek-v3").kv_bytes_per_token("bf16") == 61 * 576 * 2


def test_a_sliding_window_bounds_the_cache():
    model = catalog.model("gpt-oss-20b")
    grown = model.kv_bytes(20_000) - model.kv_bytes(10_000)
    assert grown == 12 * 16 * 64 * 2 * 10_000


@pytest.mark.parametrize(
    ("published", "own"),
    [("Qwen/Qwen3-235B-A22B-Instruct-2507-FP8", "qwen3-235b-a22b"),
     ("meta-llama/Llama-3.1-8B-Instruct", "llama-3.1-8b"), ("DeepSeek-R1", "deepseek-v3"),
     ("openai/gpt-oss-120b", "gpt-oss-120b"), ("Llama 3.3 70B", "llama-3.1-70b")],
)  # fmt: skip
def test_published_names_resolve(published, own):
    assert catalog.resolve_model(published) == own


def test_an_unknown_model_names_the_nearest():
    with pytest.raises(InputError, match="unknown model 'qwen3-33b'; did you mean qwen3-32b"):
        catalog.model("qwen3-33b")


def test_a_users_config_is_read(tmp_path):
    path = tmp_path / "tiny" / "config.json"
    path.parent.mkdir()
    path.write_text(json.dumps({
        "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "vocab_size": 100,
        "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 128,
        "tie_word_embeddings": True,
    }))  # fmt: skip
    model = catalog.model(str(path))
    attention = 64 * 64 + 2 * 64 * 32 + 64 * 64
    assert model.name == "tiny"
    assert model.parameters == 2 * (attention + 3 * 64 * 128 + 2 * 64) + 100 * 64 + 64


def test_a_config_without_a_key_says_which(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"num_attention_heads": 4, "num_hidden_layers": 2, "vocab_size": 9}')
    with pytest.raises(InputError, match="key 'hidden_size' is missing"):
        catalog.model(str(path))
