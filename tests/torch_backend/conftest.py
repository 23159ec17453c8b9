"""The chip as torch's CUDA device, for every test of this folder; without torch none is run."""

import pytest

torch = pytest.importorskip("torch")


@pytest.fixture(scope="session", autouse=True)
def chip():
    from warpfive.torch_backend import activate

    activate()
    torch.manual_seed(0)
