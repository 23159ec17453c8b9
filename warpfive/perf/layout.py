"""How a model is spread over chips."""

from dataclasses import dataclass

from warpfive.catalog import ChipSpec, ModelSpec
from warpfive.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Degrees of parallelism of one engine instance.

    Attention runs ``tp``-wide in ``dp`` groups; experts are spread over the same ``tp * dp``
    chips, ``ep`` ways by whole experts and the rest by slicing them.
    """

    tp: int = 1
    pp: int = 1
    dp: int = 1
    ep: int = 1
    cp: int = 1
    """Context parallelism: chips among which one prompt is split."""

    @property
    def chips(self) -> int:
        """Chips of the instance."""
        return self.tp * self.pp * self.dp * self.cp

    @property
    def moe_tp(self) -> int:
        """Chips among which one expert is sliced."""
        return self.tp * self.dp // self.ep

    def __str__(self) -> str:
        names = ("tp", "pp", "dp", "ep", "cp")
        parts = [f"{name}{getattr(self, name)}" for name in names if getattr(self, name) > 1]
        return " ".join(parts) or "1 chip"


def check_layout(layout: Layout, model: ModelSpec, chip: ChipSpec) -> None:
    """Refuse a layout no engine could run, with the rule it breaks."""
    for name in ("tp", "pp", "dp", "ep", "cp"):
        if getattr(layout, name) < 1:
            raise InputError(f"--{name} must be at least 1, not {getattr(layout, name)}")
    if layout.pp > max(1, model.layer_count):
        raise InputError(
            f"--pp {layout.pp}: {model.name} has only {model.layer_count} layers to share out"
        )
    heads = [layer.attention.heads for layer in model.layers if layer.attention.kind != "linear"]
    if heads and any(count % layout.tp for count in heads):
        raise InputError(
            f"--tp {layout.tp}: {model.name} has {heads[0]} attention heads, "
            f"and each chip must get as many; use a divisor"
        )
    if layout.tp > chip.link.domain and chip.link.topology != "host":
        raise InputError(
            f"--tp {layout.tp}: {chip.name} links {chip.link.domain} chips at full rate; "
            "use --pp or --dp beyond that"
        )
    if layout.ep > 1:
        _check_experts(layout, model)


def _check_experts(layout: Layout, model: ModelSpec) -> None:
    if not model.is_moe:
        raise InputError(f"--ep {layout.ep}: {model.name} has no experts; leave --ep out")
    if layout.tp * layout.dp % layout.ep:
        raise InputError(
            f"--ep {layout.ep} must divide tp x dp = {layout.tp * layout.dp}, "
            "the chips that hold the experts"
        )
    experts = max(layer.feed_forward.experts for layer in model.layers)
    if layout.ep > experts:
        raise InputError(f"--ep {layout.ep}: {model.name} has only {experts} experts a layer")
