"""The chip as torch's CUDA device, for every test of this folder; without torch none is run."""

import pytest

torch = pytest.importorskip("torch")


@pytest.fixture(scope="session", autouse=True)
def chip():
    from warpfive.errors import WarpfiveError
    from warpfive.torch_backend import activate
    from warpfive.torch_backend.build import host_compiler
    from warpfive.torch_backend.choice import check_torch

    try:
        check_torch()
        host_compiler()
    except WarpfiveError as error:  # the device cannot be had here; any other error is a failure
        pytest.skip(str(error))
    activate()
    torch.manual_seed(0)
