"""Sparse tensors on the chip, against PyTorch's own on the host."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

DENSE = torch.tensor([[1.0, 0, 2, 0], [0, 0, 3, 0], [4, 0, 0, 0], [0, 5, 0, 6]])
TWICE = torch.tensor([[0, 2, 0, 2, 0], [1, 0, 1, 0, 3]])  # (0, 1) and (2, 0) are there twice


def both(work: Callable[[Tensor], Any]) -> None:
    """The same on the chip as on the host; sparse results by their layout and elements."""
    expected, found = work(DENSE), work(DENSE.cuda())
    assert found.is_cuda and found.layout == expected.layout
    if expected.layout != torch.strided:
        expected, found = expected.to_dense(), found.to_dense()
    torch.testing.assert_close(found.cpu(), expected)


def twice(x: Tensor) -> Tensor:
    values = torch.arange(1.0, 6, device=x.device)
    return torch.sparse_coo_tensor(TWICE.to(x.device), values, (4, 4))


WORK: dict[str, Callable[[Tensor], Tensor]] = {
    "dense": lambda x: twice(x).to_dense(),
    "coalesced": lambda x: twice(x).coalesce(),
    "product": lambda x: torch.sparse.mm(twice(x), x),
    "sum of products": lambda x: torch.sparse.addmm(x, x.to_sparse(), x, beta=2, alpha=3),
    "product of two": lambda x: torch.sparse.mm(x.to_sparse(), twice(x)),
    "batches": lambda x: torch.bmm(torch.stack([x, 2 * x]).to_sparse(), torch.stack([x, x])),
    "sum": lambda x: x.to_sparse() + twice(x),
    "difference": lambda x: x.to_sparse() - 2 * twice(x),
    "dense and sparse": lambda x: x + twice(x),
    "elements": lambda x: x.to_sparse() * twice(x),
    "elements of a dense one": lambda x: x.to_sparse() * x,
    "rows": lambda x: twice(x).index_select(0, torch.tensor([2, 0, 2, 1]).to(x.device)),
    "total along": lambda x: torch.sparse.sum(x.to_sparse(), 0),
    "softmax": lambda x: torch.sparse.softmax(twice(x), 1),
    "log softmax": lambda x: torch.sparse.log_softmax(x.to_sparse(), 0),
    "functions": lambda x: x.to_sparse().sin().t(),
    "masked": lambda x: (x + 1).sparse_mask(x.to_sparse()),
    "rows of a matrix": lambda x: x.to_sparse_csr(),
    "columns of a matrix": lambda x: x.to_sparse_csc(),
    "blocks": lambda x: x.to_sparse_bsr((2, 2)),
    "compressed product": lambda x: x.to_sparse_csr() @ x,
    "compressed product from the right": lambda x: x @ x.to_sparse_csr(),
    "compressed vector": lambda x: x.to_sparse_csr() @ x[0],
    "compressed product of two": lambda x: x.to_sparse_csr() @ x.to_sparse_csr(),
    "compressed sum": lambda x: x.to_sparse_csr() + (2 * x).to_sparse_csr(),
    "to the host and back": lambda x: x.to_sparse().cpu().to(x.device),
}


@pytest.mark.parametrize("name", WORK)
def test_as_on_the_host(name: str) -> None:
    both(WORK[name])


def test_what_torch_has_for_the_chip_alone() -> None:
    """On the host these need a library that not every build of PyTorch has."""
    x = DENSE.cuda()
    found = torch.sparse.sampled_addmm(x.to_sparse_csr(), x, x, beta=2).to_dense().cpu()
    torch.testing.assert_close(found, torch.where(DENSE != 0, DENSE @ DENSE + 2 * DENSE, 0))


def test_gradients_of_products_and_of_embeddings() -> None:
    x = torch.ones(4, 4, device="cuda", requires_grad=True)
    torch.sparse.mm(DENSE.cuda().to_sparse(), x).sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad.cpu(), DENSE.t() @ torch.ones(4, 4))
    table = nn.Embedding(5, 3, sparse=True).cuda()
    before = table.weight.detach().clone()
    optimiser = torch.optim.SGD(table.parameters(), 0.5)
    table(torch.tensor([1, 2, 1], device="cuda")).sum().backward()
    optimiser.step()
    steps = torch.tensor([0.0, 1, 0.5, 0, 0], device="cuda")[:, None]
    torch.testing.assert_close(table.weight.detach(), before - steps)


def test_what_has_no_kernel_says_so() -> None:
    with pytest.raises(NotImplementedError, match="sspaddmm.out of sparse tensors has no kernel"):
        torch.sspaddmm(DENSE.cuda().to_sparse(), DENSE.cuda().to_sparse(), DENSE.cuda())
