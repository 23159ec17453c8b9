"""What a chip, link, node, model and engine profile is, and the named ones.

* ``chip("h20")``: a chip by name, alias or .toml file
* ``with_settings(chip, ["clock=1.6GHz", "memory=hbm3e"])``: a what-if variant
* ``model("qwen3-32b")``: a bundled model, or the path of a config.json
* ``system("cloudmatrix-384")``: a supernode or network
* ``engine_profile("sglang-0.5")``: what an engine version costs beside the chip
"""

from warpfive.catalog.chip import DTYPE_BYTES, ChipSpec, CoreSpec, LinkSpec, MemorySpec
from warpfive.catalog.chips import DEFAULT_CHIP, chip, chip_file, chip_names, chip_path
from warpfive.catalog.figure import GRADES, Figure, parse_quantity
from warpfive.catalog.hf import model_from_config
from warpfive.catalog.memory import MemoryTechnology, memory_technologies, memory_technology
from warpfive.catalog.model import AttentionSpec, DenseOp, FeedForwardSpec, LayerSpec, ModelSpec
from warpfive.catalog.models import model, model_names, resolve_model
from warpfive.catalog.names import nearest
from warpfive.catalog.profile import EngineProfile, engine_names, engine_profile, profile_from
from warpfive.catalog.reliability import FailureRate, failure_rate, failure_rates
from warpfive.catalog.systems import NodeSpec, SystemSpec, node_of, system, system_names
from warpfive.catalog.whatif import SETTINGS, memory_options, with_settings

__all__ = [
    "DEFAULT_CHIP", "DTYPE_BYTES", "GRADES", "SETTINGS", "AttentionSpec", "ChipSpec", "CoreSpec",
    "DenseOp", "EngineProfile", "FailureRate", "FeedForwardSpec", "Figure", "LayerSpec",
    "LinkSpec", "MemorySpec", "MemoryTechnology", "ModelSpec", "NodeSpec", "SystemSpec", "chip",
    "chip_file", "chip_names", "chip_path", "engine_names", "engine_profile", "failure_rate",
    "failure_rates",
    "memory_options", "memory_technologies", "memory_technology", "model", "model_from_config",
    "model_names", "nearest", "node_of", "parse_quantity", "profile_from", "resolve_model",
    "system", "system_names", "with_settings",
]  # fmt: skip
