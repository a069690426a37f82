#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Draws a random network from a seed, as a type of typenet and as a module of PyTorch, and computes in PyTorch what both must compute.

generate.py SEED prints the type, the loss and the optimizer.
"""

import copy
import dataclasses
import math
import random
import sys
from collections import OrderedDict

import torch
from torch import nn

STEPS = 3  # training steps of a case
MOST_SAMPLES = 40
LEAST_VALUES = 8  # numbers that a norm is taken over, at least: its gradient on two is a rounding error
LEAST_MARGIN = 1e-5  # distance of numbers from kinks, see margins()


class Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


class Concat(nn.Sequential):
    def forward(self, x):
        return torch.cat([branch(x) for branch in self], dim=1)


@dataclasses.dataclass
class Layer:
    type: str  # in C++
    module: nn.Module
    shape: tuple  # of the output for one sample: (features,) or (channels, height, width)
    name: str = ""  # of a `named` layer


def spell(template, *arguments):
    """The C++ name of a template's instance."""
    return "tn::%s<%s>" % (template, ", ".join(map(str, arguments)))


def spell_options(bias=True, **options):
    """The tags of a layer's options. @param options: for each a pair, for rows and columns, and its default"""
    tags = [spell(name, *(pair[:1] if pair[0] == pair[1] else pair)) for name, (pair, default) in options.items() if pair != default]
    return tags + ([] if bias else ["tn::bias<false>"])


def compose(template, container, layers, shape):
    """A composition. PyTorch calls a member by its name, or else by its index."""
    members = OrderedDict((layer.name or str(i), layer.module) for i, layer in enumerate(layers))
    return Layer(spell(template, *(layer.type for layer in layers)), container(members), shape)


def divisors(number):
    return [d for d in range(1, number + 1) if number % d == 0]


def slide(shape, kernel, stride, padding, dilation=(1, 1)):
    """Height and width of the output of a window that slides over an image; below 1 where the window does not fit."""
    return tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in zip(shape[1:], kernel, stride, padding, dilation))


class Drawing:
    """Draws layers.

    A method with the name of a layer takes the shape of its input and `keep`, True where height and width must stay as they are. It returns
    None where what it has drawn does not fit.
    """

    IMAGE = dict(conv2d=9, max_pool2d=3, avg_pool2d=2, global_avg_pool2d=0.3, batch_norm=2, group_norm=2, activation=5, softmax=0.3,
                 dropout=0.6, flatten=0.6)
    VECTOR = dict(linear=5, batch_norm=1.5, group_norm=1, activation=4, softmax=0.3, dropout=0.6)
    COMPOSITIONS = dict(sequential=1, residual=2, concat=2)

    def __init__(self, rng):
        self.rng = rng
        self.left = rng.randint(3, 8)  # layers that may still be drawn
        self.depth = 0  # of compositions
        self.names = 0
        self.least_samples = 1  # of a training step: what batch norms need

    def maybe(self, probability):
        return self.rng.random() < probability

    def pair(self, low, high):
        """Two numbers, for rows and for columns; equal more often than not."""
        rows = self.rng.randint(low, high)
        return rows, self.rng.randint(low, high) if self.maybe(0.4) else rows

    def conv2d(self, shape, keep):
        groups = self.rng.choice(divisors(shape[0]))
        channels = groups * self.rng.randint(1, max(1, (20 if self.maybe(0.15) else 6) // groups))
        kernel, stride, padding, dilation = self.pair(1, 5), self.pair(1, 3), self.pair(0, 2), self.pair(1, 2)
        if keep:
            kernel, stride = tuple(k | 1 for k in kernel), (1, 1)
            padding = tuple(d * (k // 2) for k, d in zip(kernel, dilation))
        bias = self.maybe(0.7)
        size = slide(shape, kernel, stride, padding, dilation)
        if min(size) < 1:
            return None
        options = spell_options(bias, stride=(stride, (1, 1)), padding=(padding, (0, 0)), dilation=(dilation, (1, 1)),
                                groups=((groups, groups), (1, 1)))
        self.rng.shuffle(options)
        return Layer(spell("conv2d", channels, self.window(kernel), *options),
                     nn.Conv2d(shape[0], channels, kernel, stride, padding, dilation, groups, bias), (channels, *size))

    @staticmethod
    def window(pair):
        return pair[0] if pair[0] == pair[1] else spell("kernel", *pair)

    def pool(self, template, module, shape, keep):
        window = (3, 3) if keep else self.pair(1, 4)
        stride = (1, 1) if keep else self.rng.choice([window, self.pair(1, 3)])
        padding = (1, 1) if keep else tuple(self.rng.randint(0, w // 2) for w in window)
        size = slide(shape, window, stride, padding)
        if min(size) < 1:
            return None
        options = spell_options(stride=(stride, window), padding=(padding, (0, 0)))
        return Layer(spell(template, self.window(window), *options), module(window, stride, padding), (shape[0], *size))

    def max_pool2d(self, shape, keep):
        return self.pool("max_pool2d", nn.MaxPool2d, shape, keep)

    def avg_pool2d(self, shape, keep):
        return self.pool("avg_pool2d", nn.AvgPool2d, shape, keep)

    def global_avg_pool2d(self, shape, keep):
        return None if keep else Layer("tn::global_avg_pool2d", nn.AdaptiveAvgPool2d(1), (shape[0], 1, 1))

    def flatten(self, shape, keep):
        return None if keep else Layer("tn::flatten", nn.Flatten(), (math.prod(shape),))

    def linear(self, shape, keep):
        features, bias = self.rng.randint(1, 24), self.maybe(0.7)
        return Layer(spell("linear", features, *spell_options(bias)), nn.Linear(shape[0], features, bias), (features,))

    def batch_norm(self, shape, keep):
        self.least_samples = max(self.least_samples, -(-LEAST_VALUES // math.prod(shape[1:])))
        arguments = self.rng.choice([(), (1e-3,), (1e-5, 0.25)])
        module = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
        return Layer(spell("batch_norm", *arguments), module(shape[0], *arguments), shape)

    def group_norm(self, shape, keep):
        fitting = [groups for groups in divisors(shape[0]) if math.prod(shape) // groups >= LEAST_VALUES]
        if not fitting:
            return None
        groups = self.rng.choice(fitting)
        arguments = self.rng.choice([(), (1e-3,)])
        return Layer(spell("group_norm", groups, *arguments), nn.GroupNorm(groups, shape[0], *arguments), shape)

    def activation(self, shape, keep):
        kind, module = self.rng.choice([("relu", nn.ReLU()), ("relu", nn.ReLU()), ("leaky_relu<>", nn.LeakyReLU()), ("gelu", nn.GELU()),
                                        ("leaky_relu<-0.5>", nn.LeakyReLU(-0.5)), ("tanh", nn.Tanh()), ("sigmoid", nn.Sigmoid())])
        return Layer("tn::" + kind, module, shape)

    def softmax(self, shape, keep):
        return Layer("tn::softmax", nn.Softmax(dim=1), shape) if shape[0] > 1 else None

    def dropout(self, shape, keep):
        probability = self.rng.choice([0, 0, 0, 0.3])  # above 0 the case has no training steps
        return Layer(spell("dropout", probability), nn.Dropout(probability), shape)

    def sequential(self, shape, keep):
        layers = self.chain(shape, self.rng.randint(1, 3), keep)
        return compose("sequential", nn.Sequential, layers, layers[-1].shape)

    def residual(self, shape, keep):
        body = self.chain(shape, self.rng.randint(1, 3), True)
        if body[-1].shape != shape:  # the last layer of the body restores the channels or features
            width, last = shape[0], body[-1].shape[0]
            body.append(Layer(spell("linear", width), nn.Linear(last, width), shape) if len(shape) == 1 else
                        Layer(spell("conv2d", width, 1), nn.Conv2d(last, width, 1), shape))
        return compose("residual", Residual, body, shape)

    def concat(self, shape, keep):
        branches = [self.layer(shape, True) for _ in range(self.rng.randint(2, 3))]
        return compose("concat", Concat, branches, (sum(branch.shape[0] for branch in branches), *shape[1:]))

    def layer(self, shape, keep):
        """A layer or a composition that fits; sometimes named."""
        weights = dict(self.IMAGE if len(shape) == 3 else self.VECTOR)
        if self.depth < 3 and self.left > 1 and shape[0] <= 12:
            weights.update(self.COMPOSITIONS)
        drawn = None
        while not drawn:
            kind = self.rng.choices(list(weights), list(weights.values()))[0]
            self.depth += 1
            drawn = getattr(self, kind)(shape, keep)
            self.depth -= 1
        self.left -= kind not in self.COMPOSITIONS
        if self.maybe(0.1):
            self.names += 1
            name = "layer%d" % self.names
            drawn = Layer(spell("named", '"%s"' % name, drawn.type), drawn.module, drawn.shape, name)
        return drawn

    def chain(self, shape, length, keep=False):
        """Up to `length` layers, at least one, that follow one another."""
        layers = [self.layer(shape, keep)]
        while len(layers) < length and self.left > 0:
            layers.append(self.layer(layers[-1].shape, keep))
        return layers


def spell_object(kind, members):
    """The C++ expression of an aggregate; members stand in the order of their declaration."""
    text = (".%s = %s" % (name, "true" if value is True else value) for name, value in members.items())
    return "tn::%s{%s}" % (kind, ", ".join(text))


def draw_optimizer(rng):
    """An optimizer in C++, and a function that makes PyTorch's for some parameters.

    An epsilon of 1e-8 would divide the rounding error of a gradient whose true value is 0, such as that of a bias before a batch norm, by itself.
    """
    kind = rng.choice(["sgd", "sgd", "adam", "adamw", "rmsprop"])
    rate, decay, momentum, epsilon = rng.choice([0.01, 0.03]), rng.choice([0, 0.02]), rng.choice([0, 0.9]), rng.choice([1e-2, 1e-3])
    theirs = dict(lr=rate, weight_decay=decay)
    if kind == "sgd":
        more = dict(momentum=momentum, **rng.choice([{}, dict(nesterov=True), dict(dampening=0.3)] if momentum else [{}]))
        ours = dict(learning_rate=rate, **more, weight_decay=decay)
        return spell_object(kind, ours), lambda parameters: torch.optim.SGD(parameters, **theirs, **more)
    theirs["eps"] = epsilon
    if kind == "rmsprop":
        alpha, more = rng.choice([0.99, 0.9]), dict(momentum=momentum, **rng.choice([{}, dict(centered=True)]))
        ours = dict(learning_rate=rate, alpha=alpha, epsilon=epsilon, weight_decay=decay, **more)
        return spell_object(kind, ours), lambda parameters: torch.optim.RMSprop(parameters, **theirs, alpha=alpha, **more)
    betas = rng.choice([(0.9, 0.999), (0.8, 0.95)])
    ours = dict(learning_rate=rate, beta1=betas[0], beta2=betas[1], epsilon=epsilon, weight_decay=decay)
    make = torch.optim.Adam if kind == "adam" else torch.optim.AdamW
    return spell_object(kind, ours), lambda parameters: make(parameters, **theirs, betas=betas)


def draw_loss(rng, shape):
    """A loss in C++, PyTorch's function of outputs and targets, and a function that draws the targets of some samples."""
    kinds = [("mse", "numbers")]
    if len(shape) == 1 and shape[0] > 1:
        kinds += [("mse", "classes"), ("cross_entropy", "classes"), ("cross_entropy", "classes"), ("cross_entropy", "numbers")]
    kind, targets = rng.choice(kinds)
    members = rng.choice([{}, dict(label_smoothing=0.1)]) if kind == "cross_entropy" else {}
    function = nn.CrossEntropyLoss(**members) if kind == "cross_entropy" else nn.MSELoss()
    draw_targets = lambda samples: uniform(samples, *shape)
    if targets == "classes":
        draw_targets = lambda samples: torch.randint(shape[0], (samples,))
        if kind == "mse":
            function = lambda y, t: nn.functional.mse_loss(y, nn.functional.one_hot(t, shape[0]).to(y.dtype))
    elif kind == "cross_entropy":
        draw_targets = lambda samples: uniform(samples, *shape).abs()
    return spell_object(kind, members), function, draw_targets


def uniform(*shape):
    """Numbers from -1.5 to 1.5 that are exact in single precision."""
    return (torch.rand(shape) * 3 - 1.5).double()


@dataclasses.dataclass
class Case:
    seed: int
    network: str  # this and the next two in C++
    loss: str
    optimizer: str
    module: nn.Module
    loss_function: object
    make_optimizer: object
    evaluation: torch.Tensor  # samples
    batches: list  # of training: (samples, targets), targets being classes or numbers


def draw_once(seed, attempt):
    rng = random.Random("%d.%d" % (seed, attempt))
    torch.manual_seed(rng.getrandbits(32))
    drawing = Drawing(rng)
    sides = drawing.pair(*rng.choice([(1, 4), (4, 10), (4, 10), (6, 20)]))
    shape = (rng.randint(1, 4), *sides) if drawing.maybe(0.8) else (rng.randint(1, 40),)
    layers = drawing.chain(shape, 8)
    if drawing.maybe(0.75):  # else it ends as it happens to
        if len(layers[-1].shape) == 3:
            layers.append(drawing.flatten(layers[-1].shape, False))
        layers.append(drawing.linear(layers[-1].shape, False))
    network = spell("network", spell("input", *shape), *(layer.type for layer in layers))
    module = compose("sequential", nn.Sequential, layers, layers[-1].shape).module
    for owner in module.modules():
        if isinstance(owner, (nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm)):  # their 1 and 0 would hide mistakes
            nn.init.uniform_(owner.weight, 0.5, 1.5)
            nn.init.uniform_(owner.bias, -0.5, 0.5)
            if not isinstance(owner, nn.GroupNorm):
                nn.init.uniform_(owner.running_mean, -0.5, 0.5)
                nn.init.uniform_(owner.running_var, 0.5, 2)
    loss, loss_function, draw_targets = draw_loss(rng, layers[-1].shape)
    optimizer, make_optimizer = draw_optimizer(rng)
    random_in_training = any(isinstance(m, nn.Dropout) and m.p > 0 for m in module.modules())
    sizes = [] if random_in_training else [rng.randint(drawing.least_samples, MOST_SAMPLES) for _ in range(STEPS)]
    batches = [(uniform(size, *shape), draw_targets(size)) for size in sizes]
    evaluation = uniform(rng.randint(1, MOST_SAMPLES), *shape)
    return Case(seed, network, loss, optimizer, module.double(), loss_function, make_optimizer, evaluation, batches)


def margins(module):
    """Watches the distance of numbers from kinks: of a relu's input from 0, and of the two largest numbers of a max pool's window, relative to
    the layer's largest number. Closer than rounding errors, two correct programs may take different sides. Equal numbers are no danger: in
    both programs they are zeros, or copies. Returns a list to which each pass adds the least distance in every such layer.
    """
    least = []

    def watch(layer, inputs):
        x = inputs[0].detach()
        distance = x.abs()
        if isinstance(layer, nn.MaxPool2d):
            (rows, columns), stride, (down, right) = layer.kernel_size, layer.stride, layer.padding
            x = nn.functional.pad(x, (right, right, down, down), value=-math.inf)
            windows = x.unfold(2, rows, stride[0]).unfold(3, columns, stride[1]).flatten(4)
            largest = windows.topk(min(2, windows.shape[4])).values
            distance = largest[..., 0] - largest[..., -1]
        distance = distance[distance > 0]
        if distance.numel():
            least.append(float(distance.min() / inputs[0].abs().max()))

    for layer in module.modules():
        if isinstance(layer, (nn.ReLU, nn.LeakyReLU, nn.MaxPool2d)):
            layer.register_forward_pre_hook(watch)
    return least


def reference(case, dtype, watch=lambda module: None):
    """Returns what PyTorch computes, tensors by `kind/name`; the loss's gradient by the outputs of the first step; and what `watch(module)`
    has returned.
    """
    module = copy.deepcopy(case.module).to(dtype)
    watched = watch(module)
    optimizer = case.make_optimizer(module.parameters()) if list(module.parameters()) else None
    computed = {"outputs, evaluation/": module.eval()(case.evaluation.to(dtype))}
    losses, output_gradient = [], None
    module.train()
    for number, (samples, targets) in enumerate(case.batches):
        x = samples.to(dtype, copy=True).requires_grad_()
        y = module(x)
        y.retain_grad()
        loss = case.loss_function(y, targets.to(dtype) if targets.is_floating_point() else targets)
        module.zero_grad()
        loss.backward()
        losses.append(loss)
        if number == 0:
            output_gradient = y.grad.clone()
            computed.update({"outputs, training/": y, "gradient of the input/": x.grad})
            computed.update({"gradients/" + name: p.grad.clone() for name, p in module.named_parameters()})
        if optimizer:
            optimizer.step()
    if losses:
        computed["losses/"] = torch.stack(losses)
        computed["outputs after the steps/"] = module.eval()(case.evaluation.to(dtype))
        computed.update({"parameters after the steps/" + name: p for name, p in module.named_parameters()})
        computed.update({"buffers after the steps/" + name: b for name, b in module.named_buffers()})
    return {name: tensor.detach().double() for name, tensor in computed.items()}, output_gradient, watched


def draw(seed):
    """Returns the case of a seed: the first of many attempts whose numbers are clear of kinks."""
    for attempt in range(100):
        case = draw_once(seed, attempt)
        case.expected, case.output_gradient, watched = reference(case, torch.float64, margins)
        if min(watched, default=1) > LEAST_MARGIN:
            return case
    raise RuntimeError("seed %d: none of a hundred networks is clear of kinks; draw smaller ones" % seed)


if __name__ == "__main__":
    drawn = draw(int(sys.argv[1]))
    print(drawn.network, drawn.loss, drawn.optimizer, sep="\n")
