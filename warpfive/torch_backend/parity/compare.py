"""Runs a checkout of a language model twice, on the host in float32 and on the chip, and compares.

Both runs see the same tokens, and each its own hidden states: what a layer is off includes what
it inherited, as in service. The text is cut into windows without overlap; a token is predicted
from those before it in its window.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from warpfive.errors import InputError

DTYPES = ("fp32", "bf16", "fp16", "fp8", "int8", "int4")
"""What the chip's weights are held in; fp8, int8 and int4 are computed with bf16 activations."""

SAMPLE = """\
The port was quiet in the early hours. A tug moved along the outer wall, slow and low in the
water, and the lamps on the quay went out one after another. By six the cranes were turning. Each
lifted a box, carried it across forty metres of air, and set it down to within the width of a
hand. The men who had done this work by rope and hook would have called it magic; the ones who
did it now called it Tuesday. In the office above the gate a clerk counted what came in and what
went out, and at noon, as on every day, the two sums did not agree.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """``window`` and ``tokens`` count tokens; ``text`` is compared on, ``SAMPLE`` unless given."""

    dtype: str = "bf16"
    text: str | None = None
    window: int = 256
    tokens: int = 512


@dataclass(frozen=True, slots=True)
class Difference:
    """Of one tensor: ``relative`` = |chip - reference| / |reference| (2-norms over all tokens),
    ``cosine`` of the two, ``worst`` = the largest absolute difference of an element."""

    name: str
    relative: float
    cosine: float
    worst: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """``divergence`` is the mean KL divergence of the chip's next-token distribution from the
    reference's, in nats; ``top1`` the share of tokens where both prefer the same next token."""

    model: str
    dtype: str
    tokens: int
    layers: tuple[Difference, ...]
    logits: Difference
    divergence: float
    top1: float
    perplexity_reference: float
    perplexity_chip: float

    def record(self) -> dict[str, Any]:
        return asdict(self)


class Sums:
    """What a :class:`Difference` needs, added up window by window."""

    def __init__(self) -> None:
        self.off = self.own = self.other = self.dot = self.worst = 0.0

    def add(self, reference: Any, chip: Any) -> None:
        reference, chip = reference.double().flatten(), chip.double().flatten()
        self.off += float((reference - chip).square().sum())
        self.own += float(reference.square().sum())
        self.other += float(chip.square().sum())
        self.dot += float(reference @ chip)
        self.worst = max(self.worst, float((reference - chip).abs().max()))

    def difference(self, name: str) -> Difference:
        size = math.sqrt(self.own * self.other)
        return Difference(
            name, math.sqrt(self.off / self.own) if self.own else 0.0,
            self.dot / size if size else 1.0, self.worst,
        )  # fmt: skip


def measure(
    directory: Path, options: Options, say: Callable[[str], None] = lambda _: None
) -> Parity:
    """Compares the checkpoint in ``directory`` on the chip with float32 on the host.

    Raises:
        InputError: no checkpoint of a causal language model, an unknown dtype, too short a text.
    """
    check(directory, options)
    from warpfive.torch_backend import activate
    from warpfive.torch_backend.parity.model import blocks, load, place, token_ids

    activate()
    ids = token_ids(directory, options.text or SAMPLE, options.tokens)
    if len(ids) < 2:
        raise InputError(f"the text has {len(ids)} tokens; a comparison takes at least 2")
    say("loading the reference")
    reference = load(directory, "fp32")
    say(f"loading {options.dtype} weights for the chip")
    chip = place(load(directory, options.dtype), options.dtype)
    layers = [Sums() for _ in blocks(reference)]
    logits, totals = Sums(), Totals()
    for number, window in enumerate(windows(ids, options.window), 1):
        say(f"window {number}: {len(window)} tokens")
        ours, ours_logits = run(reference, window)
        theirs, their_logits = run(chip, window)
        for sums, one, other in zip(layers, ours, theirs, strict=True):
            sums.add(one, other)
        logits.add(ours_logits, their_logits)
        totals.add(ours_logits, their_logits, window)
    return totals.parity(
        directory.name, options.dtype, len(ids),
        tuple(sums.difference(f"layer {at}") for at, sums in enumerate(layers)),
        logits.difference("logits"),
    )  # fmt: skip


class Totals:
    """Agreement and log likelihoods over the windows."""

    def __init__(self) -> None:
        self.predictions = self.agreed = self.scored = 0
        self.kl = self.loss_reference = self.loss_chip = 0.0

    def add(self, reference: Any, chip: Any, window: list[int]) -> None:
        import torch

        one, other = reference.double().log_softmax(-1), chip.double().log_softmax(-1)
        self.predictions += len(window)
        self.agreed += int((one.argmax(-1) == other.argmax(-1)).sum())
        self.kl += float((one.exp() * (one - other)).sum())
        following = torch.tensor(window[1:]).unsqueeze(1)
        self.scored += len(window) - 1
        self.loss_reference -= float(one[:-1].gather(1, following).sum())
        self.loss_chip -= float(other[:-1].gather(1, following).sum())

    def parity(
        self, model: str, dtype: str, tokens: int, layers: tuple[Difference, ...],
        logits: Difference,
    ) -> Parity:  # fmt: skip
        scored = max(self.scored, 1)
        return Parity(
            model=model, dtype=dtype, tokens=tokens, layers=layers, logits=logits,
            divergence=self.kl / self.predictions, top1=self.agreed / self.predictions,
            perplexity_reference=math.exp(self.loss_reference / scored),
            perplexity_chip=math.exp(self.loss_chip / scored),
        )  # fmt: skip


def check(directory: Path, options: Options) -> None:
    if options.dtype not in DTYPES:
        raise InputError(f"--dtype {options.dtype}: it is one of {', '.join(DTYPES)}")
    if options.window < 2 or options.tokens < 2:
        raise InputError("--window and --tokens are 2 or more: a prediction needs a past")
    if not (directory / "config.json").is_file():
        raise InputError(
            f"{directory}: no config.json there; give the folder of a checkpoint "
            "(config.json, *.safetensors and the tokenizer's files)"
        )


def windows(ids: list[int], size: int) -> Iterator[list[int]]:
    """Consecutive pieces; a last piece of one token predicts nothing and is left out."""
    for start in range(0, len(ids), size):
        if len(piece := ids[start : start + size]) > 1:
            yield piece


def run(model: Any, window: list[int]) -> tuple[list[Any], Any]:
    """Hidden states behind every block, and the logits, of one window: float32 on the host."""
    import torch

    from warpfive.torch_backend.parity.model import blocks

    device = next(model.parameters()).device
    kept: list[Any] = []
    with recording(blocks(model), kept), torch.inference_mode():
        ids = torch.tensor([window], device=device)
        logits = model(input_ids=ids, use_cache=False).logits
    return kept, logits[0].float().cpu()


@contextmanager
def recording(modules: list[Any], kept: list[Any]) -> Iterator[None]:
    def keep(_: Any, __: Any, output: Any) -> None:
        hidden = output[0] if isinstance(output, tuple) else output
        kept.append(hidden.float().cpu())

    hooks = [module.register_forward_hook(keep) for module in modules]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
