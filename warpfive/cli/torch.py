"""``warpfive torch``: whether plain ``python`` takes the chip for ``device="cuda"``."""

import sys

import typer


def register(app: typer.Typer) -> None:
    """Add the ``torch`` verb to the main application."""
    verb = typer.Typer(help="PyTorch: whether plain python takes the chip for device='cuda'.")
    verb.command("enable")(enable)
    verb.command("disable")(disable)
    verb.command("status")(status)
    app.add_typer(verb, name="torch")


def enable() -> None:
    """Let plain `python script.py` run device='cuda' on the chip, in this Python."""
    from warpfive.torch_backend import choose

    choose(True)
    print(f"import torch takes the chip in {sys.prefix}; `warpfive torch disable` undoes it")


def disable() -> None:
    """Undo `warpfive torch enable`."""
    from warpfive.torch_backend import choose

    choose(False)
    print(f"import torch leaves the chip alone in {sys.prefix}")


def status() -> None:
    """Say whether it is enabled, and whether the installed torch fits."""
    from warpfive.errors import WarpfiveError
    from warpfive.torch_backend import check_torch, enabled

    print(f"enabled: {'yes' if enabled() else 'no'} ({sys.prefix})")
    try:
        check_torch()
        print("torch: fits")
    except WarpfiveError as error:
        print(f"torch: {error}")
