"""``python -m warpfive`` is the ``warpfive`` command."""

import sys

from warpfive.cli import main

sys.exit(main())
