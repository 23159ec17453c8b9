"""Which torch the device is for, and what the others are told."""

from importlib.metadata import PackageNotFoundError
from types import SimpleNamespace

import pytest

from warpfive.errors import WarpfiveError
from warpfive.torch_backend import choice

INSTALL = "pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu"


def refusal() -> str:
    with pytest.raises(WarpfiveError) as caught:
        choice.check_torch()
    return str(caught.value)


def test_no_torch_is_told_what_to_install(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(choice, "version", missing)
    assert refusal() == (
        f"PyTorch is not installed, and this needs it; install its CPU build: {INSTALL}"
    )


def test_another_version_is_told_the_right_one(monkeypatch):
    monkeypatch.setattr(choice, "version", lambda name: "2.12.1+cpu")
    assert refusal() == (
        f"torch 2.12.1+cpu is installed, and the chip's device is made for 2.13.0: {INSTALL}"
    )


@pytest.mark.parametrize("gpu", ["cuda", "hip"])
def test_a_build_for_a_gpu_is_told_apart(monkeypatch, tmp_path, gpu):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / f"libtorch_{gpu}.so").touch()
    place = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(choice, "version", lambda name: "2.13.0+cu130")
    monkeypatch.setattr(choice, "find_spec", lambda name: place)
    assert refusal() == (
        "torch 2.13.0+cu130 is built for a GPU, so its CUDA device is taken; the chip needs the "
        f"CPU build: {INSTALL}"
    )
