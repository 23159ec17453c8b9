"""The chip as torch's CUDA device, for every test of this folder; without torch none is run."""

import pytest

torch = pytest.importorskip("torch")


@pytest.fixture(scope="session", autouse=True)
def chip():
    from warpfive.errors import WarpfiveError
    from warpfive.torch_backend import activate

    try:
        activate()
    except WarpfiveError as error:  # another torch than the device is made for
        pytest.skip(str(error))
    torch.manual_seed(0)
