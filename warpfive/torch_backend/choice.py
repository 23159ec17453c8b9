"""When ``import torch`` takes the chip: under ``warpfive run``, or once a user has opted in.

torch calls :func:`autoload`, an entry point of the group ``torch.backends``, at the end of its own
import. The opt-in is a line, the Python's prefix, in a file of the user's configuration.
"""

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from warpfive.errors import WarpfiveError

TORCH = "2.13.0"
INSTALL = f"pip install torch=={TORCH} --index-url https://download.pytorch.org/whl/cpu"
SWITCH = "WARPFIVE_TORCH"
"""Environment variable: 1 takes the chip, 0 does not, whatever was opted for."""


def check_torch() -> None:
    """Refuses a Python without torch, with another version of it, or with a GPU's build."""
    try:
        found = version("torch")
    except PackageNotFoundError:
        raise WarpfiveError(
            f"PyTorch is not installed, and this needs it; install its CPU build: {INSTALL}"
        ) from None
    if found.split("+")[0] != TORCH:
        raise WarpfiveError(
            f"torch {found} is installed, and the chip's device is made for {TORCH}: {INSTALL}"
        )
    spec = find_spec("torch")
    root = Path(spec.origin).parent if spec and spec.origin else Path()
    if any((root / "lib" / f"libtorch_{gpu}.so").exists() for gpu in ("cuda", "hip")):
        raise WarpfiveError(
            f"torch {found} is built for a GPU, so its CUDA device is taken; the chip needs the "
            f"CPU build: {INSTALL}"
        )


def settings() -> Path:
    """The file that lists Python prefixes in which plain ``python`` takes the chip."""
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return Path(base) / "warpfive" / "torch-enabled"


def prefixes() -> list[str]:
    try:
        return settings().read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def enabled() -> bool:
    """Whether ``import torch`` takes the chip in this Python without ``warpfive run``."""
    return sys.prefix in prefixes()


def choose(on: bool) -> None:
    """Opts this Python in or out."""
    if on:
        check_torch()
    kept = [line for line in prefixes() if line != sys.prefix] + ([sys.prefix] if on else [])
    path = settings()
    if kept:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
    else:
        path.unlink(missing_ok=True)


def autoload() -> None:
    """What torch calls. A torch that does not fit is left as it is, with a line that says why."""
    asked = os.environ.get(SWITCH)
    if asked == "0" or (asked != "1" and not enabled()):
        return
    try:
        check_torch()
        from warpfive.torch_backend.activation import activate

        activate()
    except WarpfiveError as error:
        print(f"warpfive: {error}", file=sys.stderr)
        if asked == "1":
            raise SystemExit(1) from None
