"""``warpfive build``: what first use would build, made beforehand."""

import time


def build_libraries() -> None:
    """Builds ``libwarpfive.so`` and the device library into the cache; says how long it took."""
    from warpfive.chip import library
    from warpfive.cuda import Program

    start_s = time.monotonic()
    path = library()
    Program("__global__ void nothing() {}", name="nothing.cu").compile()
    print(f"{path} ({time.monotonic() - start_s:.1f} s)")
