"""Choosing by index along one dimension."""

from torch import Tensor

from warpfive.torch_backend.ops.registry import op


@op("index_select")
def index_select(self: Tensor, dim: int, index: Tensor) -> Tensor:
    if index.dim() > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    if self.dim() == 0:
        return self.reshape(1)[index.reshape(-1)].reshape(())
    return self[(slice(None),) * (dim % self.dim()) + (index.reshape(-1),)]


@op("index_select.out")
def index_select_out(self: Tensor, dim: int, index: Tensor, *, out: Tensor) -> Tensor:
    result = index_select(self, dim, index)
    return out.resize_(result.shape).copy_(result)
