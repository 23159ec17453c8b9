"""Options that the planning verbs share: one name, one help text, one meaning."""

from typing import Annotated

import typer

Model = Annotated[str, typer.Option("--model", help="A model's name, or a config.json.")]
Chip = Annotated[str, typer.Option("--chip", help="A chip's name or .toml file.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A what-if change, such as clock=1.6GHz."),
]
Tp = Annotated[int, typer.Option("--tp", help="Tensor parallelism.")]
Pp = Annotated[int, typer.Option("--pp", help="Pipeline parallelism.")]
Dp = Annotated[int, typer.Option("--dp", help="Data-parallel attention groups.")]
Ep = Annotated[int, typer.Option("--ep", help="Expert parallelism, over tp x dp chips.")]
Cp = Annotated[int, typer.Option("--cp", help="Context parallelism of prompts.")]
Dtype = Annotated[str, typer.Option("--dtype", help="Weights: bf16, fp8, int8, int4, fp4.")]
KvDtype = Annotated[str, typer.Option("--kv-dtype", help="KV cache: bf16 or fp8.")]
Engine = Annotated[
    str, typer.Option("--engine", help="Engine and version, such as sglang-0.5, or a profile.")
]
Drafts = Annotated[int, typer.Option("--drafts", help="Speculated tokens a step.")]
Acceptance = Annotated[
    float, typer.Option("--acceptance", help="Chance a drafted token holds, if those before do.")
]
PrefillChip = Annotated[
    str, typer.Option("--prefill-chip", help="A chip of its own for prompts; their KV moves.")
]
PrefillTp = Annotated[
    int, typer.Option("--prefill-tp", help="Tensor parallelism of a prefill instance.")
]
MaxSeqs = Annotated[int, typer.Option("--max-seqs", help="Sequences a replica runs at once.")]
MaxTokens = Annotated[int, typer.Option("--max-tokens", help="Tokens of one step.")]
PrefixCache = Annotated[
    bool, typer.Option("--prefix-cache/--no-prefix-cache", help="Reuse KV of equal prefixes.")
]
Workload = Annotated[
    str,
    typer.Option(
        "--workload", help="chat, code, talk, ..., input=4096,output=1024, or a trace file."
    ),
]
Slo = Annotated[str, typer.Option("--slo", help="Limits: ttft=1s,tpot=50ms[,e2e=20s][,p=95].")]
Workers = Annotated[int, typer.Option("--workers", help="Processes; 0 for every core.")]
Ray = Annotated[str, typer.Option("--ray", metavar="ADDRESS", help="Spread over a Ray cluster.")]
JsonFile = Annotated[
    str, typer.Option("--json", metavar="FILE", help="Write everything as JSON; - prints it.")
]
