#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes layers.json: what PyTorch computes, in float64, for every layer, loss and optimizer of typenet.

Run it with Debian's python3-torch:  /usr/bin/python3 tests/golden/layers.py
It rewrites the file beside itself with the same bytes every time. README.md describes the layout.
"""

import json
import pathlib
import zlib
from collections import OrderedDict

import torch
from torch import nn

DTYPE = torch.float64
GRID = 64  # inputs and parameters are multiples of 1/64: exact in float too, and short in decimal


# ---------------------------------------------------------------------------------------------------------------------
# Random values. Each case has a generator seeded by its name, so that adding a case changes no other.


def generator(name):
    return torch.Generator().manual_seed(zlib.crc32(name.encode()))


def on_grid(values):
    return torch.round(values * GRID) / GRID


def normal(shape, rng, scale=1.0):
    return on_grid(torch.randn(shape, generator=rng, dtype=DTYPE) * scale)


def distinct(shape, rng):
    """Values of which no two are equal, for layers that select one of many."""
    count = torch.Size(shape).numel()
    return ((torch.randperm(count, generator=rng).to(DTYPE) - count // 2) / GRID).reshape(shape)


def randomise(module, rng):
    """Draws every parameter anew: scales around 1 for norms (their default would hide a mistake), the rest around 0."""
    with torch.no_grad():
        for owner in module.modules():
            for name, parameter in owner.named_parameters(recurse=False):
                if isinstance(owner, (nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm)) and name == "weight":
                    parameter.copy_(on_grid(0.5 + torch.rand(parameter.shape, generator=rng, dtype=DTYPE)))
                else:
                    parameter.copy_(normal(parameter.shape, rng, 0.5))


# ---------------------------------------------------------------------------------------------------------------------
# Layers PyTorch lacks.


class ScaledTanh(nn.Module):
    def forward(self, x):
        return 1.7159 * torch.tanh(x * 2 / 3)


class GaussianRBF(nn.Module):
    def __init__(self, features, count):
        super().__init__()
        self.centers = nn.Parameter(torch.zeros(count, features, dtype=DTYPE))

    def forward(self, x):
        return torch.exp(-0.5 * ((x[:, None, :] - self.centers[None, :, :]) ** 2).sum(dim=2))


class TrainableSubsample(nn.Module):
    """The sum of each window, times a coefficient of its channel, plus a bias."""

    def __init__(self, channels, window, stride=None, padding=0):
        super().__init__()
        self.sum = nn.AvgPool2d(window, stride, padding, divisor_override=1)
        self.weight = nn.Parameter(torch.zeros(channels, dtype=DTYPE))
        self.bias = nn.Parameter(torch.zeros(channels, dtype=DTYPE))

    def forward(self, x):
        return self.sum(x) * self.weight[None, :, None, None] + self.bias[None, :, None, None]


class EuclideanRBF(nn.Module):
    """The squared distance to each of some fixed codes of +1 and -1."""

    def __init__(self, codes):
        super().__init__()
        self.codes = torch.tensor(codes, dtype=DTYPE)

    def forward(self, x):
        return ((x[:, None, :] - self.codes[None, :, :]) ** 2).sum(dim=2)


class ConnectedConv2d(nn.Module):
    """A convolution of which each output map reads only the input maps that its column of `table` marks.

    `weight` holds the marked kernels alone, output map by output map, input maps ascending within one.
    """

    def __init__(self, table, kernel, padding=0):
        super().__init__()
        self.padding = padding
        self.inputs, self.outputs = len(table), len(table[0])
        self.marked = [(o, i) for o in range(self.outputs) for i in range(self.inputs) if table[i][o]]
        self.weight = nn.Parameter(torch.zeros(len(self.marked), *kernel, dtype=DTYPE))
        self.bias = nn.Parameter(torch.zeros(self.outputs, dtype=DTYPE))

    def forward(self, x):
        dense = torch.zeros(self.outputs, self.inputs, *self.weight.shape[1:], dtype=DTYPE)
        outputs, inputs = zip(*self.marked)
        dense = dense.index_put((torch.tensor(outputs), torch.tensor(inputs)), self.weight)
        return nn.functional.conv2d(x, dense, self.bias, padding=self.padding)


class UnitConv2d(nn.Module):
    """A convolution of an input padded with `value`, with a bias for each element of its output, or of its channels (`units` of 1x1).

    With a table, as ConnectedConv2d.
    """

    def __init__(self, inputs, units, kernel, stride=1, padding=(0, 0), value=0.0, table=None):
        super().__init__()
        self.stride, self.padding, self.value, self.table = stride, padding, value, table
        self.shape = (units[0], inputs, *kernel)
        self.weight = nn.Parameter(torch.zeros(sum(map(sum, table)), *kernel, dtype=DTYPE) if table else torch.zeros(self.shape, dtype=DTYPE))
        self.bias = nn.Parameter(torch.zeros(units if units[1:] != (1, 1) else units[:1], dtype=DTYPE))

    def forward(self, x):
        weight = self.weight
        if self.table:
            marked = [(o, i) for o in range(self.shape[0]) for i in range(self.shape[1]) if self.table[i][o]]
            outputs, inputs = zip(*marked)
            weight = torch.zeros(self.shape, dtype=DTYPE).index_put((torch.tensor(outputs), torch.tensor(inputs)), weight)
        rows, columns = self.padding
        x = nn.functional.pad(x, (columns, columns, rows, rows), value=self.value)
        return nn.functional.conv2d(x, weight, stride=self.stride) + (self.bias if self.bias.dim() > 1 else self.bias[:, None, None])


class Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


class Concat(nn.Sequential):
    def forward(self, x):
        return torch.cat([branch(x) for branch in self], dim=1)


# LeCun et al. 1998, Table I: which of the 6 maps of S2 (rows) feeds which of the 16 maps of C3 (columns).
C3 = [
    [1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 1],
    [1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1],
    [1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 1, 1, 1],
    [0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 0, 1, 1],
    [0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 1, 0, 1],
    [0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 1, 1],
]
assert sum(map(sum, C3)) == 60

SMALL_TABLE = [[1, 0], [0, 1], [1, 0]]

SMALL_CODES = [[1, -1, 1, 1, -1], [-1, -1, 1, -1, 1], [1, 1, 1, -1, -1]]

# LeCun et al. 1998, figure 3: the codes of the digits, 7 x 12 each.
DIGITS = [
    ".#####. ...##.. .#####. ####### .#####. .#####. ..####. ####### .#####. .#####.",
    "....... ..###.. ....... .....## ....... ....... .##.... .....## ##...## ##..###",
    "..###.. .####.. .#####. ....##. ....... ####### ##..... .....## ##...## ##...##",
    ".##.##. ...##.. ##...## ...##.. .##..## ##..... ##..... ....##. ##...## ##...##",
    "##...## ...##.. #....## ..####. .##..## ##..... ######. ...##.. .#####. ##..###",
    "##...## ...##.. ....##. .....## ###..## .####.. ###..## ...##.. ##...## .######",
    "##...## ...##.. ..###.. .....## ##...## ..####. ##...## ..##... ##...## .....##",
    "##...## ...##.. .##.... .....## ##...## .....## ##...## ..##... ##...## .....##",
    ".##.##. ...##.. ##..... ##...## ##..### ##...## ###..## ..##... ##...## ....##.",
    "..###.. .###### ####### .#####. .###### .#####. .#####. ..##... .#####. .####..",
    "....... ....... ....... ....... .....## ....... ....... ....... ....... .......",
    "....... ....... ....... ....... .....## ....... ....... ....... ....... .......",
]
LENET5_CODES = [[1 if row[8 * digit + x] == "#" else -1 for row in DIGITS for x in range(7)] for digit in range(10)]


# ---------------------------------------------------------------------------------------------------------------------
# Recording.


def flat(tensor):
    return tensor.detach().reshape(-1).tolist()


def tensors(named):
    return [{"name": name, "shape": list(value.shape), "values": flat(value)} for name, value in named]


def layer_case(name, network, module, input_shape, batches, values=normal, connections=None):
    """Runs `module`, the nn.Sequential that `network` spells, over one random batch per entry of `batches`.

    The very first input is 0 unless `values` says how to draw them: there some derivatives are a matter of convention.
    """
    rng = generator(name)
    module = module.to(DTYPE).train()
    randomise(module, rng)
    case = OrderedDict(name=name, network=network, input_shape=list(input_shape), output_shape=None)
    if connections:
        case["connections"] = connections
    case["parameters"] = tensors(module.named_parameters())
    case["buffers"] = tensors(module.named_buffers())
    case["passes"] = []
    for batch in batches:
        x = values((batch, *input_shape), rng)
        if values is normal:
            x.view(-1)[0] = 0
        x.requires_grad_()
        module.zero_grad()
        y = module(x)
        grad_output = normal(y.shape, rng)
        y.backward(grad_output)
        case["output_shape"] = list(y.shape[1:])
        case["passes"].append(
            OrderedDict(
                batch=batch,
                input=flat(x),
                output=flat(y),
                grad_output=flat(grad_output),
                grad_input=flat(x.grad),
                parameter_gradients=tensors((n, p.grad) for n, p in module.named_parameters()),
                buffers_after=tensors(module.named_buffers()),
            )
        )
    if case["buffers"]:
        module.eval()
        x = values((4, *input_shape), rng)
        case["evaluation"] = OrderedDict(batch=4, input=flat(x), output=flat(module(x)))
    return case


def layer_cases():
    def case(name, layers, input_shape, modules, batches=(3,), **options):
        network = "network<input<%s>, %s>" % (", ".join(map(str, input_shape)), layers)
        cases.append(layer_case(name, network, nn.Sequential(*modules), input_shape, batches, **options))

    cases = []
    conv = nn.Conv2d
    case("conv2d", "conv2d<3, 3>", (2, 6, 5), [conv(2, 3, 3)])
    case("conv2d_5x5", "conv2d<6, 5>", (1, 8, 7), [conv(1, 6, 5)], (5,))
    case("conv2d_1x1", "conv2d<5, 1>", (3, 3, 4), [conv(3, 5, 1)])
    case("conv2d_batch_17", "conv2d<3, 3>", (2, 4, 4), [conv(2, 3, 3)], (17,))
    case("conv2d_rectangular", "conv2d<4, kernel<3, 2>>", (2, 5, 6), [conv(2, 4, (3, 2))])
    case("conv2d_no_bias", "conv2d<3, 3, bias<false>>", (2, 5, 5), [conv(2, 3, 3, bias=False)])
    case("conv2d_padding", "conv2d<3, 3, padding<1>>", (2, 5, 4), [conv(2, 3, 3, padding=1)])
    case("conv2d_padding_rectangular", "conv2d<3, kernel<3, 5>, padding<1, 2>>", (2, 4, 5), [conv(2, 3, (3, 5), padding=(1, 2))])
    case("conv2d_stride", "conv2d<3, 3, stride<2>>", (2, 7, 9), [conv(2, 3, 3, stride=2)])
    case("conv2d_stride_rectangular", "conv2d<3, 3, stride<2, 1>>", (2, 7, 5), [conv(2, 3, 3, stride=(2, 1))])
    case("conv2d_stride_3_remainder", "conv2d<3, 3, stride<3>>", (2, 8, 10), [conv(2, 3, 3, stride=3)])
    case("conv2d_stride_beyond_kernel", "conv2d<2, 2, stride<3>>", (2, 7, 6), [conv(2, 2, 2, stride=3)])
    case("conv2d_dilation", "conv2d<3, 3, dilation<2>>", (2, 7, 6), [conv(2, 3, 3, dilation=2)])
    case("conv2d_dilation_rectangular", "conv2d<2, 3, dilation<1, 2>>", (2, 5, 7), [conv(2, 2, 3, dilation=(1, 2))])
    case("conv2d_stride_dilation_padding", "conv2d<3, 3, stride<2>, dilation<2>, padding<2>>", (2, 7, 8),
         [conv(2, 3, 3, stride=2, dilation=2, padding=2)])
    case("conv2d_rectangular_padding_stride", "conv2d<4, kernel<3, 2>, padding<1>, stride<2>>", (2, 7, 9),
         [conv(2, 4, (3, 2), padding=1, stride=2)])
    case("conv2d_groups", "conv2d<6, 3, groups<2>>", (4, 5, 4), [conv(4, 6, 3, groups=2)])
    case("conv2d_depthwise", "conv2d<4, 3, groups<4>, padding<1>>", (4, 4, 5), [conv(4, 4, 3, groups=4, padding=1)], (5,))
    case("conv2d_depthwise_multiplier", "conv2d<6, 3, groups<3>, stride<2>>", (3, 5, 6), [conv(3, 6, 3, groups=3, stride=2)])
    case("conv2d_connections_c3", "conv2d<16, 3, connections<c3_table>>", (6, 4, 5), [ConnectedConv2d(C3, (3, 3))], connections=C3)
    case("conv2d_connections_padding", "conv2d<2, kernel<2, 3>, connections<small_table>, padding<1>>", (3, 4, 3),
         [ConnectedConv2d(SMALL_TABLE, (2, 3), padding=1)], connections=SMALL_TABLE)

    case("conv2d_padding_value", "conv2d<3, kernel<3, 5>, padding<1, 2>, padding_value<-0.75>>", (2, 4, 6),
         [UnitConv2d(2, (3, 1, 1), (3, 5), padding=(1, 2), value=-0.75)])
    case("conv2d_bias_per_unit", "conv2d<3, 3, padding<1>, bias<per_unit>>", (2, 5, 4),
         [UnitConv2d(2, (3, 5, 4), (3, 3), padding=(1, 1))], (17,))
    case("conv2d_1989", "conv2d<2, 5, stride<2>, padding<2>, padding_value<-1>, bias<per_unit>, connections<small_table>>", (3, 8, 7),
         [UnitConv2d(3, (2, 4, 4), (5, 5), stride=2, padding=(2, 2), value=-1.0, table=SMALL_TABLE)], connections=SMALL_TABLE)

    case("linear", "linear<4>", (7,), [nn.Linear(7, 4)], (5,))
    case("linear_no_bias", "linear<5, bias<false>>", (6,), [nn.Linear(6, 5, bias=False)])
    case("linear_batch_17", "linear<3>", (5,), [nn.Linear(5, 3)], (17,))
    case("linear_wide", "linear<19>", (33,), [nn.Linear(33, 19)])

    pool = nn.MaxPool2d
    case("max_pool2d", "max_pool2d<2>", (2, 4, 6), [pool(2)], values=distinct)
    case("max_pool2d_remainder", "max_pool2d<2>", (2, 5, 7), [pool(2)], values=distinct)
    case("max_pool2d_padding", "max_pool2d<3, stride<2>, padding<1>>", (2, 6, 7), [pool(3, 2, 1)], values=distinct)
    case("max_pool2d_overlapping", "max_pool2d<3, stride<1>>", (2, 5, 6), [pool(3, 1)], (5,), values=distinct)
    case("max_pool2d_rectangular", "max_pool2d<kernel<2, 3>>", (2, 6, 7), [pool((2, 3))], values=distinct)
    case("max_pool2d_negative", "max_pool2d<3, stride<2>, padding<1>>", (2, 5, 5), [pool(3, 2, 1)],
         values=lambda shape, rng: distinct(shape, rng) - 4)  # padding must lose even where every value is below 0
    case("max_pool2d_ties", "max_pool2d<3, stride<2>>", (2, 5, 5), [pool(3, 2)],
         values=lambda shape, rng: torch.randint(0, 3, shape, generator=rng).to(DTYPE))

    pool = nn.AvgPool2d
    case("avg_pool2d", "avg_pool2d<2>", (2, 4, 6), [pool(2)])
    case("avg_pool2d_remainder", "avg_pool2d<2>", (2, 5, 7), [pool(2)])
    case("avg_pool2d_padding", "avg_pool2d<3, stride<2>, padding<1>>", (2, 6, 7), [pool(3, 2, 1)])
    case("avg_pool2d_overlapping", "avg_pool2d<3, stride<1>>", (2, 5, 6), [pool(3, 1)], (5,))
    case("avg_pool2d_rectangular", "avg_pool2d<kernel<2, 3>>", (2, 6, 7), [pool((2, 3))])
    case("global_avg_pool2d", "global_avg_pool2d", (3, 4, 5), [nn.AdaptiveAvgPool2d(1)], (5,))

    subsample = TrainableSubsample
    case("trainable_subsample", "trainable_subsample<2>", (3, 4, 6), [subsample(3, 2)])
    case("trainable_subsample_batch_17", "trainable_subsample<2>", (2, 4, 4), [subsample(2, 2)], (17,))
    case("trainable_subsample_remainder", "trainable_subsample<2>", (2, 5, 7), [subsample(2, 2)])
    case("trainable_subsample_padding", "trainable_subsample<3, stride<2>, padding<1>>", (2, 6, 7), [subsample(2, 3, 2, 1)])
    case("trainable_subsample_overlapping", "trainable_subsample<3, stride<1>>", (2, 5, 6), [subsample(2, 3, 1)], (5,))
    case("trainable_subsample_rectangular", "trainable_subsample<kernel<2, 3>>", (2, 6, 7), [subsample(2, (2, 3))])

    # Two batches of different sizes: running statistics use the unbiased variance of each.
    case("batch_norm_images", "batch_norm<>", (3, 4, 3), [nn.BatchNorm2d(3)], (3, 5))
    case("batch_norm_images_batch_17", "batch_norm<>", (2, 2, 3), [nn.BatchNorm2d(2)], (17, 1))
    case("batch_norm_vectors", "batch_norm<>", (4,), [nn.BatchNorm1d(4)], (5, 17))
    case("group_norm", "group_norm<2>", (6, 3, 4), [nn.GroupNorm(2, 6)])
    case("group_norm_one_group", "group_norm<1>", (4, 3, 2), [nn.GroupNorm(1, 4)], (5,))
    case("group_norm_every_channel", "group_norm<4>", (4, 3, 3), [nn.GroupNorm(4, 4)])
    case("group_norm_vectors", "group_norm<2>", (6,), [nn.GroupNorm(2, 6)], (17,))

    case("flatten", "flatten", (2, 3, 2), [nn.Flatten()], (5,))
    wide = lambda shape, rng: normal(shape, rng, 2.0)  # reaches where activations saturate
    for suffix, shape, batch in (("", (2, 3, 4), 3), ("_vectors", (5,), 17)):
        case("relu" + suffix, "relu", shape, [nn.ReLU()], (batch,))
        case("leaky_relu" + suffix, "leaky_relu<>", shape, [nn.LeakyReLU()], (batch,))
        case("leaky_relu_0.2" + suffix, "leaky_relu<0.2>", shape, [nn.LeakyReLU(0.2)], (batch,))
        case("gelu" + suffix, "gelu", shape, [nn.GELU()], (batch,), values=wide)
        case("tanh" + suffix, "tanh", shape, [nn.Tanh()], (batch,), values=wide)
        case("sigmoid" + suffix, "sigmoid", shape, [nn.Sigmoid()], (batch,), values=wide)
        case("scaled_tanh" + suffix, "scaled_tanh", shape, [ScaledTanh()], (batch,), values=wide)
        case("softmax" + suffix, "softmax", shape, [nn.Softmax(dim=1)], (batch,), values=wide)
    case("softmax_large", "softmax", (4,), [nn.Softmax(dim=1)], (5,), values=lambda shape, rng: 1000 + normal(shape, rng, 3.0))
    case("gaussian_rbf", "gaussian_rbf<3>", (4,), [GaussianRBF(4, 3)], (5,))
    case("gaussian_rbf_batch_17", "gaussian_rbf<10>", (6,), [GaussianRBF(6, 10)], (17,))
    case("euclidean_rbf", "euclidean_rbf<small_codes>", (5,), [EuclideanRBF(SMALL_CODES)], (17,))
    case("euclidean_rbf_lenet5", "euclidean_rbf<lenet5_codes>", (84,), [EuclideanRBF(LENET5_CODES)])

    case("sequential", "sequential<linear<4>, sequential<tanh, linear<3>>>, sigmoid", (5,),
         [nn.Sequential(nn.Linear(5, 4), nn.Sequential(nn.Tanh(), nn.Linear(4, 3))), nn.Sigmoid()])
    case("residual", "residual<conv2d<4, 3, padding<1>>, batch_norm<>, relu, conv2d<4, 3, padding<1>>>", (4, 4, 5),
         [Residual(conv(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), conv(4, 4, 3, padding=1))])
    case("residual_vectors", "linear<4>, residual<tanh, linear<4>>, residual<linear<4>>", (3,),
         [nn.Linear(3, 4), Residual(nn.Tanh(), nn.Linear(4, 4)), Residual(nn.Linear(4, 4))], (17,))
    case("concat_two", "concat<conv2d<2, 3, padding<1>>, max_pool2d<3, stride<1>, padding<1>>>", (3, 4, 5),
         [Concat(conv(3, 2, 3, padding=1), nn.MaxPool2d(3, 1, 1))], values=distinct)
    case("concat_three", "concat<conv2d<2, 1>, sequential<conv2d<3, 1>, batch_norm<>, relu, conv2d<2, 3, padding<1>>>, sequential<"
         "avg_pool2d<3, stride<1>, padding<1>>, conv2d<1, 1>>>", (2, 4, 4),
         [Concat(conv(2, 2, 1), nn.Sequential(conv(2, 3, 1), nn.BatchNorm2d(3), nn.ReLU(), conv(3, 2, 3, padding=1)),
                 nn.Sequential(nn.AvgPool2d(3, 1, 1), conv(2, 1, 1)))], (5,))
    case("concat_vectors", "concat<linear<2>, sequential<linear<4>, relu>>, linear<3>", (5,),
         [Concat(nn.Linear(5, 2), nn.Sequential(nn.Linear(5, 4), nn.ReLU())), nn.Linear(6, 3)], (17,))
    case("nested", "residual<concat<conv2d<1, 1>, residual<conv2d<2, 3, padding<1>>>>, conv2d<2, 1>>, tanh", (2, 3, 4),
         [Residual(Concat(conv(2, 1, 1), Residual(conv(2, 2, 3, padding=1))), conv(3, 2, 1)), nn.Tanh()])
    case("named", 'named<"conv1", conv2d<2, 2>>, relu, flatten, named<"head", sequential<linear<4>, linear<3>>>', (1, 3, 4),
         [OrderedDict([("conv1", conv(1, 2, 2)), ("1", nn.ReLU()), ("2", nn.Flatten()),
                       ("head", nn.Sequential(nn.Linear(12, 4), nn.Linear(4, 3)))])])
    case("small_network", "conv2d<3, 3>, batch_norm<>, relu, max_pool2d<2>, flatten, linear<6>, relu, linear<4>", (2, 8, 7),
         [conv(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 6), nn.ReLU(), nn.Linear(6, 4)],
         (3, 5))
    return cases


def loss_cases():
    def case(name, loss, function, batch, classes=None, shape=None, dense=False, scale=1.0):
        rng = generator(name)
        shape = shape or (classes,)
        prediction = normal((batch, *shape), rng, scale).requires_grad_()
        entry = OrderedDict(name=name, loss=loss, batch=batch, shape=list(shape), prediction=flat(prediction))
        if dense:
            target = normal(prediction.shape, rng) if dense is True else dense(prediction.shape, rng)
            entry["targets"] = flat(target)
        else:
            target = torch.randint(0, classes, (batch,), generator=rng)
            entry["labels"] = target.tolist()
        value = function(prediction, target)
        value.backward()
        entry["value"] = value.item()
        entry["grad_prediction"] = flat(prediction.grad)
        cases.append(entry)

    cases = []
    mse = nn.MSELoss()
    one_hot = lambda p, labels: mse(p, nn.functional.one_hot(labels, p.shape[1]).to(DTYPE))
    case("mse_labels", "mse{}", one_hot, 3, 4)
    case("mse_labels_batch_17", "mse{}", one_hot, 17, 10)
    case("mse_dense", "mse{}", mse, 5, shape=(6,), dense=True)
    case("mse_dense_images", "mse{}", mse, 3, shape=(2, 3, 4), dense=True)
    for smoothing, text, suffix in ((0.0, "cross_entropy{}", ""), (0.1, "cross_entropy{.label_smoothing = 0.1}", "_smoothed")):
        cross_entropy = nn.CrossEntropyLoss(label_smoothing=smoothing)
        case("cross_entropy" + suffix, text, cross_entropy, 3, 4, scale=2.0)
        case("cross_entropy" + suffix + "_batch_17", text, cross_entropy, 17, 10, scale=2.0)
        case("cross_entropy" + suffix + "_large_logits", text, cross_entropy, 5, 3, scale=500.0)
        case("cross_entropy" + suffix + "_dense", text, cross_entropy, 3, 4, dense=True, scale=2.0)
    absolute, huber, smooth = nn.L1Loss(), nn.HuberLoss(delta=0.75), nn.SmoothL1Loss(beta=0.75)
    case("l1", "l1{}", absolute, 17, shape=(6,), dense=True)
    case("huber", "huber{.delta = 0.75}", huber, 17, shape=(6,), dense=True)
    case("smooth_l1", "smooth_l1{.beta = 0.75}", smooth, 17, shape=(6,), dense=True)
    chance = lambda shape, rng: torch.randint(0, 65, shape, generator=rng).to(DTYPE) / 64
    shares = lambda shape, rng: nn.functional.normalize(torch.randint(0, 5, shape, generator=rng).to(DTYPE) + torch.eye(*shape, dtype=DTYPE), p=1.0)
    bce = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(3.0, dtype=DTYPE))
    case("bce_with_logits", "bce_with_logits{}", nn.BCEWithLogitsLoss(), 3, shape=(4,), dense=chance, scale=2.0)
    case("bce_with_logits_weighted", "bce_with_logits{.positive_weight = 3}", bce, 17, shape=(6,), dense=chance, scale=50.0)
    case("nll", "nll{}", nn.NLLLoss(), 3, 4, scale=2.0)
    case("kl_divergence", "kl_divergence{}", nn.KLDivLoss(reduction="batchmean"), 3, shape=(4,), dense=shares, scale=2.0)
    right = lambda p, labels: p.gather(1, labels[:, None])[:, 0]
    rbf_mse = lambda p, labels: right(p, labels).mean()
    # The constant is one more penalty.
    rbf_map = lambda j: lambda p, labels: (right(p, labels) + torch.logsumexp(
        torch.cat([-p, torch.full((p.shape[0], 1), -j, dtype=DTYPE)], dim=1), dim=1)).mean()
    case("rbf_mse", "rbf_mse{}", rbf_mse, 3, 4, scale=2.0)
    case("rbf_mse_batch_17", "rbf_mse{}", rbf_mse, 17, 10, scale=50.0)
    case("rbf_map", "rbf_map{}", rbf_map(1.0), 3, 4, scale=2.0)
    case("rbf_map_batch_17", "rbf_map{.j = 3}", rbf_map(3.0), 17, 10, scale=2.0)
    case("rbf_map_large_penalties", "rbf_map{.j = 20}", rbf_map(20.0), 5, 3, scale=500.0)
    return cases


def training():
    """A small network trained for five steps, the last on a remainder batch, once with each optimizer."""
    network = "network<input<1, 8, 8>, conv2d<3, 3, bias<false>>, batch_norm<>, relu, max_pool2d<2>, flatten, linear<8>, relu, linear<4>>"
    # No bias before the norm: its gradient is zero up to rounding, which Adam would blow up into noise.
    build = lambda: nn.Sequential(nn.Conv2d(1, 3, 3, bias=False), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                                  nn.Linear(27, 8), nn.ReLU(), nn.Linear(8, 4)).to(DTYPE)
    rng = generator("training")
    initial = build()
    randomise(initial, rng)
    batches = [(normal((n, 1, 8, 8), rng), torch.randint(0, 4, (n,), generator=rng)) for n in (5, 5, 5, 5, 3)]
    result = OrderedDict(network=network, loss="cross_entropy{}", input_shape=[1, 8, 8])
    result["parameters"] = tensors(initial.named_parameters())
    result["buffers"] = tensors(initial.named_buffers())
    result["batches"] = [OrderedDict(batch=len(labels), input=flat(x), labels=labels.tolist()) for x, labels in batches]

    optim = torch.optim
    runs = [
        ("adam", "adam{.learning_rate = 1e-2, .weight_decay = 1e-2}", lambda p: optim.Adam(p, lr=1e-2, weight_decay=1e-2)),
        ("adamw", "adamw{.learning_rate = 1e-2, .weight_decay = 1e-1}", lambda p: optim.AdamW(p, lr=1e-2, weight_decay=1e-1)),
        ("sgd", "sgd{.learning_rate = 5e-2}", lambda p: optim.SGD(p, lr=5e-2)),
        ("sgd_momentum", "sgd{.learning_rate = 1e-2, .momentum = 0.9}", lambda p: optim.SGD(p, lr=1e-2, momentum=0.9)),
        ("sgd_nesterov", "sgd{.learning_rate = 1e-2, .momentum = 0.9, .nesterov = true, .weight_decay = 1e-2}",
         lambda p: optim.SGD(p, lr=1e-2, momentum=0.9, nesterov=True, weight_decay=1e-2)),
        ("rmsprop", "rmsprop{.learning_rate = 1e-2}", lambda p: optim.RMSprop(p, lr=1e-2)),
        ("rmsprop_momentum", "rmsprop{.learning_rate = 1e-3, .momentum = 0.9, .weight_decay = 1e-2}",
         lambda p: optim.RMSprop(p, lr=1e-3, momentum=0.9, weight_decay=1e-2)),
    ]
    result["runs"] = []
    criterion = nn.CrossEntropyLoss()
    for name, text, make in runs:
        module = build()
        module.load_state_dict(initial.state_dict())
        optimizer = make(module.parameters())
        losses = []
        for x, labels in batches:
            optimizer.zero_grad()
            loss = criterion(module(x), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        result["runs"].append(
            OrderedDict(
                name=name,
                optimizer=text,
                losses=losses,
                parameters_after=tensors(module.named_parameters()),
                buffers_after=tensors(module.named_buffers()),
            )
        )
    return result


def state_dict_names():
    """What PyTorch calls the parameters and buffers of the LeNet-5 in the README."""
    network = ("network<input<1, 32, 32>, conv2d<6, 5>, batch_norm<>, relu, max_pool2d<2>, conv2d<16, 5>, batch_norm<>, relu, "
               "max_pool2d<2>, flatten, dropout<0.1>, linear<120>, relu, linear<84>, relu, gaussian_rbf<10>>")
    module = nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.1),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), GaussianRBF(84, 10),
    )
    count = sum(p.numel() for p in module.parameters())
    assert count == 61740
    names = {name for name, _ in module.named_parameters()}
    entries = [OrderedDict(name=name, kind="parameter" if name in names else "buffer", shape=list(value.shape))
               for name, value in module.state_dict().items()]
    return OrderedDict(network=network, parameter_count=count, entries=entries)


# ---------------------------------------------------------------------------------------------------------------------
# Writing.


def number(value):
    """Twelve significant digits, and nothing below 1e-14: what is left hardly depends on a machine's order of summation."""
    if isinstance(value, int):
        return str(value)
    value = float("%.12g" % round(value, 14)) + 0.0  # + 0.0 turns -0.0 into 0.0
    return str(int(value)) if value == int(value) else repr(value)


def text(node, indent=0):
    """JSON with every list of numbers on one line."""
    inner = " " * (indent + 1)
    if isinstance(node, dict):
        lines = [inner + json.dumps(key) + ": " + text(value, indent + 1) for key, value in node.items()]
        return "{\n" + ",\n".join(lines) + "\n" + " " * indent + "}"
    if isinstance(node, (list, tuple)):
        if all(isinstance(item, (int, float)) for item in node):
            return "[" + ",".join(map(number, node)) + "]"
        return "[\n" + ",\n".join(inner + text(item, indent + 1) for item in node) + "\n" + " " * indent + "]"
    return json.dumps(node) if isinstance(node, str) else number(node)


def main():
    torch.set_num_threads(1)
    golden = OrderedDict(format="typenet golden layers 1", layers=layer_cases(), losses=loss_cases(), training=training(),
                         state_dict=state_dict_names())
    path = pathlib.Path(__file__).with_name("layers.json")
    path.write_text(text(golden) + "\n")
    print("%s: %d layers, %d losses, %d bytes" % (path, len(golden["layers"]), len(golden["losses"]), path.stat().st_size))


if __name__ == "__main__":
    main()
