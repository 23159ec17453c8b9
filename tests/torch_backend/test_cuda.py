"""torch.cuda: streams, events, graphs, pinned memory, serialization, threads, autocast."""

import copy
import pickle
import threading
from pathlib import Path

import pytest
import torch
from torch import nn


def test_streams_wait_for_one_another() -> None:
    side = torch.cuda.Stream()
    a = torch.ones(1000).cuda()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        assert torch.cuda.current_stream() == side
        b = a * 2
        b.record_stream(side)
    torch.cuda.current_stream().wait_stream(side)
    assert torch.cuda.current_stream() == torch.cuda.default_stream()
    assert (b + 1).sum().item() == 3000
    side.synchronize()
    assert side.query()


def test_a_graph_is_recorded_once_and_replayed_with_new_inputs() -> None:
    net = nn.Linear(8, 8).cuda()
    x = torch.zeros(8).cuda()
    with torch.no_grad():
        net(x)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            y = net(x).relu()
        for _ in range(2):
            v = torch.randn(8)
            x.copy_(v)
            graph.replay()
            torch.testing.assert_close(y, net(v.cuda()).relu())


def test_pinned_memory() -> None:
    x = torch.randn(100).pin_memory()
    assert x.is_pinned() and not torch.randn(3).is_pinned()
    y = torch.empty(100, pin_memory=True)
    y.copy_(x.to("cuda", non_blocking=True) * 2, non_blocking=True)
    torch.cuda.synchronize()
    assert y.equal(x * 2)


def test_what_is_saved_comes_back_where_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    torch.save(nn.Linear(4, 4).cuda().state_dict(), path)
    assert torch.load(path)["weight"].is_cuda
    assert not torch.load(path, map_location="cpu")["weight"].is_cuda
    torch.save({"w": torch.ones(2)}, path)
    assert torch.load(path, map_location="cuda")["w"].is_cuda
    x = torch.ones(3).cuda()
    assert copy.deepcopy(x).is_cuda and pickle.loads(pickle.dumps(x)).cpu().equal(x.cpu())


def test_safetensors(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    path = tmp_path / "m.safetensors"
    x = torch.randn(3, 3)
    safetensors.save_file({"a": x.cuda()}, path)
    assert safetensors.load_file(path, device="cuda")["a"].cpu().equal(x)


def test_threads() -> None:
    found = [0.0] * 4

    def work(i: int) -> None:
        a = torch.full((1000,), float(i), device="cuda")
        for _ in range(20):
            a = a + 1
        found[i] = a.mean().item()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == [20, 21, 22, 23]


def test_workers_of_a_loader() -> None:
    data = torch.utils.data.TensorDataset(torch.arange(20.0))
    loader = torch.utils.data.DataLoader(data, batch_size=4, num_workers=2, pin_memory=True)
    assert sum(x.cuda(non_blocking=True).sum().item() for (x,) in loader) == 190


def test_autocast_and_default_device() -> None:
    net, x = nn.Linear(16, 16).cuda(), torch.randn(4, 16).cuda()
    with torch.autocast("cuda", dtype=torch.bfloat16):
        assert net(x).dtype == torch.bfloat16
    with torch.autocast("cuda"):
        assert net(x).dtype == torch.float16
    with torch.device("cuda"):
        assert torch.zeros(2).is_cuda


def test_out_of_memory_and_two_devices() -> None:
    with pytest.raises(torch.OutOfMemoryError, match="CUDA out of memory. Tried to allocate"):
        torch.empty(1 << 40, device="cuda")
    with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
        torch.ones(3) + torch.ones(3).cuda()


def test_an_index_out_of_range_is_an_error_of_the_device() -> None:
    """In a process of its own: as on a GPU, the device is unusable after it."""
    import os
    import subprocess
    import sys

    script = "import torch; torch.ones(3).cuda()[torch.tensor([7]).cuda()].cpu()"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False,
        env=os.environ | {"WARPFIVE_TORCH": "1"},
    )  # fmt: skip
    assert "torch.AcceleratorError: CUDA error" in done.stderr


def test_data_parallel_over_the_one_chip() -> None:
    net = torch.nn.Linear(4, 3).cuda()
    parallel = torch.nn.DataParallel(net)
    x = torch.randn(5, 4)
    assert torch.equal(parallel(x), net(x.cuda()))
    comm = torch.nn.parallel.comm
    parts = comm.scatter(x, out=[x.new_empty(2, 4).cuda(), x.new_empty(3, 4).cuda()])
    assert torch.equal(comm.gather(parts, destination="cpu"), x)
    assert comm.broadcast(x, [0])[0].is_cuda
    with pytest.raises(RuntimeError, match="there is one chip, cuda:0; there is no cuda:1"):
        comm.scatter(x, [0, 1])
