"""The exception tree.

    WarpfiveError                 anything a user can cause; printed as one sentence
    ├── InputError                a bad value, file or option
    ├── CompileError              the compiler refused a program
    ├── UnsupportedError          a feature named, with the nearest that is supported
    ├── ImageError                a kernel image that cannot be read
    ├── TranslationError          machine code the translator cannot lower
    └── DeviceError               a CUDA error code raised by the chip or the runtime

A message says what was wrong, the value, the rule and the remedy.
"""


class WarpfiveError(Exception):
    """Anything a user can cause; the command line prints it as one sentence."""


class InputError(WarpfiveError):
    """A bad value, file or option."""


class CompileError(WarpfiveError):
    """The compiler refused a program; the message holds its diagnostics."""


class UnsupportedError(WarpfiveError):
    """A feature that is not supported, with the nearest one that is."""


class ImageError(WarpfiveError):
    """A kernel image that cannot be read."""


class TranslationError(WarpfiveError):
    """Machine code the translator cannot lower."""


class DeviceError(WarpfiveError):
    """A CUDA error code raised by the chip or the runtime."""
