#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same network, loss and optimizer in PyTorch on CUDA: microseconds of a training step, eager and in a CUDA graph.

Prints lines "name value unit". Exits with 3 where there is no PyTorch for CUDA, or no device.
"""

import statistics
import sys

try:
    import torch
except ImportError:
    sys.exit(3)
if not torch.cuda.is_available():
    sys.exit(3)


class GaussianRBF(torch.nn.Module):
    def __init__(self, inputs, units):
        super().__init__()
        self.centers = torch.nn.Parameter(torch.randn(units, inputs))

    def forward(self, x):
        return torch.exp(-0.5 * (x[:, None, :] - self.centers[None]).square().sum(-1))


def network():
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.1), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), GaussianRBF(84, 10),
    ).cuda()  # fmt: skip


def timed(step, steps):
    """The median of five rounds, in microseconds a step."""
    times = []
    for _ in range(6):
        start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        for _ in range(steps):
            step()
        stop.record()
        stop.synchronize()
        times.append(1e3 * start.elapsed_time(stop) / steps)
    return statistics.median(times[1:])


def measure(batch, steps):
    torch.manual_seed(1)
    inputs = torch.rand(batch, 1, 32, 32, device="cuda") * 2 - 1
    targets = torch.nn.functional.one_hot(torch.arange(batch, device="cuda") % 10, 10).float()
    loss = torch.nn.MSELoss()

    def make(capturable):
        model = network().train()
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-4, weight_decay=1e-4, capturable=capturable)

        def step():
            optimizer.zero_grad(set_to_none=True)
            loss(model(inputs), targets).backward()
            optimizer.step()

        return step

    print(f"PyTorch {torch.__version__} eager, batch {batch} {timed(make(False), steps):.3f} us")
    step = make(True)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(5):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    print(f"PyTorch {torch.__version__} in a CUDA graph, batch {batch} {timed(graph.replay, steps):.3f} us")


if __name__ == "__main__":
    quick = "--quick" in sys.argv[1:]
    for batch in (32, 256):
        measure(batch, 200 if quick else 1000)
