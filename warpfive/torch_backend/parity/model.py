"""Loading a checkpoint, and putting it on the chip."""

from pathlib import Path
from typing import Any

from warpfive.errors import InputError


def transformers() -> Any:
    try:
        import transformers
    except ImportError:
        raise InputError(
            "parity needs transformers, which is not installed; pip install 'warpfive[torch]'"
        ) from None
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    return transformers


def load(directory: Path, dtype: str) -> Any:
    """The checkpoint on the host; quantised types start from bfloat16, which the rest stays in."""
    import torch

    held = {"fp32": torch.float32, "fp16": torch.float16}.get(dtype, torch.bfloat16)
    try:
        model = transformers().AutoModelForCausalLM.from_pretrained(
            directory, dtype=held, local_files_only=True
        )
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{directory}: {first_line(error)}") from None
    return model.eval()


def place(model: Any, dtype: str) -> Any:
    """The model on the chip; fp8, int8 and int4 replace its linear layers."""
    if dtype in ("fp8", "int8", "int4"):
        from warpfive.torch_backend.quantized import quantize_linears

        quantize_linears(model, dtype)
    return model.to("cuda")


def token_ids(directory: Path, text: str, most: int) -> list[int]:
    """The text's tokens, the first ``most`` of them."""
    try:
        tokenizer = transformers().AutoTokenizer.from_pretrained(directory, local_files_only=True)
    except (OSError, ValueError) as error:
        raise InputError(f"{directory}: no tokenizer: {first_line(error)}") from None
    return list(tokenizer(text)["input_ids"])[:most]


def blocks(model: Any) -> list[Any]:
    """The layers that the model stacks: its list of ``num_hidden_layers`` modules."""
    import torch

    config = model.config.get_text_config()
    for module in model.modules():
        if isinstance(module, torch.nn.ModuleList) and len(module) == config.num_hidden_layers:
            return list(module)
    raise InputError(f"{model.config.model_type}: no list of {config.num_hidden_layers} layers")


def first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
