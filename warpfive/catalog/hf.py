"""Hugging Face ``config.json`` -> ModelSpec."""

from collections.abc import Mapping, Sequence
from typing import Any

from warpfive.catalog.model import AttentionSpec, DenseOp, FeedForwardSpec, LayerSpec, ModelSpec
from warpfive.errors import InputError

Config = Mapping[str, Any]


def model_from_config(name: str, raw: Config, where: str = "config.json") -> ModelSpec:
    """The model a config describes; says which key is missing where one is."""
    config = {**raw, **raw.get("text_config", {})}
    kind = config.get("model_type", "")
    if kind == "resnet":
        return _resnet(name, config)
    if kind == "dlrm":
        return _dlrm(name, config)
    _check_counts(config, where)
    try:
        return _transformer(name, config)
    except KeyError as error:
        raise InputError(
            f"{where}: key {error.args[0]!r} is missing; a decoder's config.json has hidden_size, "
            "num_hidden_layers, num_attention_heads, vocab_size and intermediate_size"
        ) from None
    except (TypeError, ValueError, ZeroDivisionError, AttributeError):
        raise InputError(
            f"{where}: a value has a type that no known config.json has there; compare it with a "
            "published one"
        ) from None


COUNTS = (
    "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim",
    "vocab_size", "intermediate_size", "moe_intermediate_size", "num_experts_per_tok",
    "max_position_embeddings",
)  # fmt: skip
"""Keys whose value, where given, is a whole number above 0."""


def _check_counts(config: Config, where: str) -> None:
    for key in COUNTS:
        value = config.get(key)
        if value is not None and (type(value) is not int or value < 1):
            raise InputError(f"{where}: key {key!r} must be a whole number above 0, not {value!r}")


def _transformer(name: str, raw: Config) -> ModelSpec:
    config = _with_synonyms(raw)
    kind = config.get("model_type", "")
    encoder = kind in ("bert", "roberta", "xlm-roberta")
    dtype, quantised = _published_dtype(config)
    mtp = config.get("num_nextn_predict_layers", config.get("mtp_num_hidden_layers", 0)) or 0
    layers = _layers(config)
    hidden = config["hidden_size"]
    positions = config.get("max_position_embeddings", 4096)
    extra = hidden + (hidden * (positions + config.get("type_vocab_size", 0)) if encoder else 0)
    last = layers[-1]
    mtp_parameters = mtp * (
        last.attention.parameters(hidden)
        + last.feed_forward.parameters(hidden)
        + 2 * hidden * hidden
    )
    return ModelSpec(
        name=name,
        kind="encoder" if encoder else "decoder",
        hidden=hidden,
        vocab=config["vocab_size"],
        layers=layers,
        tied=bool(config.get("tie_word_embeddings", False)),
        max_context=positions,
        dtype=dtype,
        quantised=quantised,
        mtp_layers=mtp,
        mtp_parameters=mtp_parameters,
        other_parameters=extra + (hidden * hidden if encoder else 0),
        **_origin(raw),
        config=raw,
    )


def _with_synonyms(raw: Config) -> dict[str, Any]:
    """Older configs' names for the same things."""
    config = dict(raw)
    synonyms = {
        "n_embd": "hidden_size", "n_layer": "num_hidden_layers", "n_head": "num_attention_heads",
        "n_positions": "max_position_embeddings", "n_inner": "intermediate_size",
    }  # fmt: skip
    for old, new in synonyms.items():
        if config.get(old) is not None:
            config.setdefault(new, config[old])
    if "num_attention_heads" not in config:
        raise KeyError("num_attention_heads")
    if config.get("intermediate_size") is None and "hidden_size" in config:
        moe = config.get("moe_intermediate_size")
        config["intermediate_size"] = moe or 4 * config["hidden_size"]
    return config


def _published_dtype(config: Config) -> tuple[str, str]:
    """Type of the published weights, and which part is quantised."""
    quant = config.get("quantization_config") or {}
    method = quant.get("quant_method", "")
    if method == "mxfp4":
        return "fp4", "experts"
    if method in ("fp8", "fbgemm_fp8"):
        return "fp8", "all"
    if method in ("awq", "gptq", "compressed-tensors"):
        bits = quant.get("bits", _weight_bits(quant))
        experts_only = config.get("model_type") in ("kimi_k2", "kimi_k25", "deepseek_v3")
        return ("int4" if bits == 4 else "int8"), ("experts" if experts_only else "all")
    names = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32"}
    return names.get(str(config.get("torch_dtype", config.get("dtype", ""))), "bf16"), ""


def _weight_bits(quant: Config) -> int:
    groups = quant.get("config_groups", {}).values()
    return min((group.get("weights", {}).get("num_bits", 8) for group in groups), default=8)


def _layers(config: Config) -> tuple[LayerSpec, ...]:
    """Equal layers grouped, in order of first appearance."""
    groups: dict[tuple[AttentionSpec, FeedForwardSpec], int] = {}
    for index in range(config["num_hidden_layers"]):
        key = (_attention(config, index), _feed_forward(config, index))
        groups[key] = groups.get(key, 0) + 1
    return tuple(
        LayerSpec(count=count, attention=attention, feed_forward=block)
        for (attention, block), count in groups.items()
    )


def _attention(config: Config, index: int) -> AttentionSpec:
    heads = config["num_attention_heads"]
    if config.get("kv_lora_rank"):
        return AttentionSpec(
            kind="mla",
            heads=heads,
            q_rank=config.get("q_lora_rank") or 0,
            kv_rank=config["kv_lora_rank"],
            rope_dim=config["qk_rope_head_dim"],
            nope_dim=config["qk_nope_head_dim"],
            value_dim=config["v_head_dim"],
            index_heads=config.get("index_n_heads", 0),
            index_dim=config.get("index_head_dim", 0),
            index_topk=config.get("index_topk", 0),
        )
    if _layer_type(config, index) == "linear_attention":
        return AttentionSpec(
            kind="linear",
            heads=config["linear_num_value_heads"],
            key_heads=config["linear_num_key_heads"],
            head_dim=config["linear_key_head_dim"],
            value_dim=config["linear_value_head_dim"],
            conv=config.get("linear_conv_kernel_dim", 4),
        )
    head_dim = config.get("head_dim") or config["hidden_size"] // heads
    sliding = _layer_type(config, index) in ("sliding_attention", "sliding")
    kind = config.get("model_type", "")
    return AttentionSpec(
        kind="gqa",
        heads=heads,
        kv_heads=config.get("num_key_value_heads") or heads,
        head_dim=head_dim,
        value_dim=config.get("v_head_dim") or head_dim,
        gated=bool(config.get("attn_output_gate", kind == "qwen3_next")),
        bias=bool(config.get("attention_bias", kind in ("qwen2", "qwen2_moe", "bert"))),
        window=(config.get("sliding_window") or None) if sliding else None,
    )


def _origin(config: Config) -> dict[str, Any]:
    """Published size, source and name of the weights, where the catalog has them."""
    info = config.get("_warpfive", {})
    return {
        "published_parameters": float(info.get("parameters", 0.0)),
        "source": info.get("source", ""), "hub": info.get("hub", ""),
    }  # fmt: skip


def _layer_type(config: Config, index: int) -> str:
    types = config.get("layer_types")
    if isinstance(types, Sequence) and not isinstance(types, str) and index < len(types):
        return str(types[index])
    interval = config.get("full_attention_interval")
    if interval and "linear_num_value_heads" in config:
        return "full_attention" if (index + 1) % interval == 0 else "linear_attention"
    if config.get("hybrid_layer_pattern"):
        return "sliding_attention" if config["hybrid_layer_pattern"][index] else "full_attention"
    return "full_attention"


def _feed_forward(config: Config, index: int) -> FeedForwardSpec:
    experts = (
        config.get("n_routed_experts")
        or config.get("num_experts")
        or config.get("num_local_experts")
        or 0
    )
    two = config.get("model_type") in ("bert", "roberta", "xlm-roberta", "gptj", "gpt2", "opt")
    matrices = 2 if two else 3
    if not experts or _is_dense(config, index):
        width = config.get("intermediate_size_mlp") or config["intermediate_size"]
        return FeedForwardSpec(intermediate=width, matrices=matrices)
    width = config.get("moe_intermediate_size") or config["intermediate_size"]
    shared = config.get("shared_expert_intermediate_size") or 0
    if not shared:
        always_one = "interleave_moe_layer_step" in config
        shared = (config.get("n_shared_experts") or int(always_one)) * width
    return FeedForwardSpec(
        intermediate=width,
        experts=experts,
        top_k=config.get("num_experts_per_tok") or config.get("experts_per_token") or 1,
        shared=shared,
        matrices=matrices,
    )


def _is_dense(config: Config, index: int) -> bool:
    if index < (config.get("first_k_dense_replace") or 0):
        return True
    if index in (config.get("mlp_only_layers") or ()):
        return True
    if config.get("moe_layer_freq") and isinstance(config["moe_layer_freq"], list):
        return not config["moe_layer_freq"][index]
    step = config.get("interleave_moe_layer_step") or config.get("decoder_sparse_step") or 1
    return (index + 1) % step != 0


def _resnet(name: str, config: Config) -> ModelSpec:
    """Bottleneck residual network on 224 x 224 images, convolutions as matrix products."""
    side, stem = 112, config.get("embedding_size", 64)
    ops = [DenseOp(m=side * side, n=stem, k=3 * 49, reuse=49 / 4)]
    before, side = stem, 56
    for stage, (width, depth) in enumerate(
        zip(config["hidden_sizes"], config["depths"], strict=True)
    ):
        side = side // 2 if stage else side
        pixels, inner = side * side, width // 4
        ops.append(DenseOp(m=pixels, n=width, k=before))
        for block in range(depth):
            ops.append(DenseOp(m=pixels, n=inner, k=before if block == 0 else width))
            ops.append(DenseOp(m=pixels, n=inner, k=9 * inner, reuse=9.0))
            ops.append(DenseOp(m=pixels, n=width, k=inner))
        before = width
    ops.append(DenseOp(m=1, n=config.get("num_labels", 1000), k=before))
    return ModelSpec(
        name=name, kind="vision", ops=tuple(ops), dtype="fp32", config=config,
        **_origin(config),
    )  # fmt: skip


def _dlrm(name: str, config: Config) -> ModelSpec:
    """Recommendation model: embedding look-ups between two stacks of dense layers."""
    tables, width = config["embedding_rows"], config["embedding_dim"]
    ops = []
    for sizes in (config["bottom_mlp"], config["top_mlp"]):
        ops += [DenseOp(m=1, n=n, k=k) for k, n in zip(sizes, sizes[1:], strict=False)]
    return ModelSpec(
        name=name, kind="recommender", ops=tuple(ops), dtype="fp32", config=config,
        other_parameters=sum(tables) * width,
        gather_bytes=len(tables) * width * 4 * config.get("lookups_per_table", 1),
        **_origin(config),
    )  # fmt: skip
