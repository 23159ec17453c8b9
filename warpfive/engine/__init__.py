"""The scheduler that serves: continuous batching over paged KV, with any executor.

    engine = Engine(EngineConfig(kv_blocks=4096), executor)
    sequence = engine.submit(Request(id=1, prompt_tokens=len(ids), tokens=ids, max_output=64))
    while engine.busy:
        engine.step()

Pure Python: it knows neither torch nor any chip.
"""

from warpfive.engine.batch import Batch, Slice
from warpfive.engine.blocks import BlockPool, blocks_for
from warpfive.engine.config import BATCHINGS, EngineConfig
from warpfive.engine.executor import Executor, FixedExecutor, StepResult
from warpfive.engine.loop import Engine, Step
from warpfive.engine.policy import POLICIES, policy
from warpfive.engine.prefix import PrefixCache, block_hashes
from warpfive.engine.request import Request, Sequence, State
from warpfive.engine.scheduler import Scheduler

__all__ = [
    "BATCHINGS", "POLICIES",
    "Batch", "BlockPool", "Engine", "EngineConfig", "Executor", "FixedExecutor", "PrefixCache",
    "Request", "Scheduler", "Sequence", "Slice", "State", "Step", "StepResult",
    "block_hashes", "blocks_for", "policy",
]  # fmt: skip
