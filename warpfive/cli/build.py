"""``warpfive build``: what first use would build, made beforehand."""

import tempfile
import time
from pathlib import Path

from warpfive.errors import WarpfiveError


def build_libraries() -> None:
    """Builds ``libwarpfive.so``, the device library and the host's start files into the cache."""
    from warpfive.chip import library
    from warpfive.cli.cc import cc

    start_s = time.monotonic()
    path = library()
    with tempfile.TemporaryDirectory(prefix="warpfive-") as folder:
        source = Path(folder) / "nothing.cu"
        source.write_text("__global__ void nothing() {}\nint main() { nothing<<<1, 1>>>(); }\n")
        if cc([str(source), "-o", str(source.with_suffix(""))]):
            raise WarpfiveError("a first program does not compile; the lines above say why")
    print(f"{path} ({time.monotonic() - start_s:.1f} s)")
