"""One function over many items, in one process, several, or on Ray."""

import importlib.util

import pytest

from warpfive.errors import InputError
from warpfive.fleet import sweep


def double(value: int) -> int:
    return 2 * value


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order(workers):
    assert sweep(double, list(range(20)), workers=workers) == list(range(0, 40, 2))


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="ray is installed")
def test_ray_is_asked_for_by_name():
    with pytest.raises(InputError) as error:
        sweep(double, [1], ray="auto")
    assert str(error.value) == (
        "--ray auto: the ray package is not installed; pip install 'warpfive[ray]'"
    )
