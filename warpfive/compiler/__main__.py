"""``python -m warpfive.compiler``: the driver without the chip's library, for objects."""

import sys

from warpfive.compiler.driver import main

sys.exit(main(sys.argv[1:]))
