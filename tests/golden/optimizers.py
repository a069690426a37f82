#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes optimizers.json: eight weights under every optimizer of PyTorch that typenet has, step by step, in float64.

Run it with Debian's python3-torch:  /usr/bin/python3 tests/golden/optimizers.py
It rewrites the file beside itself with the same bytes every time. Each run starts from the same weights and sees the same gradients,
multiples of 1/64; one weight has a gradient of zero throughout. Hyper-parameters bear typenet's names.
"""

import json
import pathlib
import zlib

import torch

STEPS = 6
WEIGHTS = 8

RUNS = [
    ("sgd", {}),
    ("sgd", dict(learning_rate=0.05, weight_decay=0.1)),
    ("sgd", dict(learning_rate=0.05, momentum=0.9)),
    ("sgd", dict(learning_rate=0.05, dampening=0.5)),
    ("sgd", dict(learning_rate=0.05, momentum=0.9, dampening=0.25, weight_decay=0.1)),
    ("sgd", dict(learning_rate=0.05, momentum=0.8, nesterov=True, weight_decay=0.1)),
    ("adam", {}),
    ("adam", dict(learning_rate=0.02, beta1=0.8, beta2=0.95, epsilon=1e-3)),
    ("adam", dict(learning_rate=0.02, weight_decay=0.1)),
    ("adam", dict(learning_rate=0.02, beta1=0.0, beta2=0.0)),
    ("adamw", {}),
    ("adamw", dict(learning_rate=0.02, beta1=0.8, beta2=0.95, epsilon=1e-3, weight_decay=0.3)),
    ("adamw", dict(learning_rate=0.02, weight_decay=0.0)),
    ("rmsprop", {}),
    ("rmsprop", dict(learning_rate=0.005, alpha=0.9, epsilon=1e-3, weight_decay=0.1)),
    ("rmsprop", dict(learning_rate=0.005, momentum=0.9)),
    ("rmsprop", dict(learning_rate=0.005, alpha=0.8, centered=True, epsilon=1e-3)),
    ("rmsprop", dict(learning_rate=0.005, momentum=0.5, centered=True, epsilon=1e-2, weight_decay=0.1)),
    ("adagrad", {}),
    ("adagrad", dict(learning_rate=0.05, learning_rate_decay=0.1, weight_decay=0.1)),
    ("adagrad", dict(learning_rate=0.05, epsilon=1e-3)),
]

CLASSES = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "rmsprop": torch.optim.RMSprop,
           "adagrad": torch.optim.Adagrad}


def torch_arguments(optimizer, settings):
    names = {"learning_rate": "lr", "epsilon": "eps", "learning_rate_decay": "lr_decay"}
    betas = (settings.get("beta1", 0.9), settings.get("beta2", 0.999))
    result = {names.get(name, name): value for name, value in settings.items() if not name.startswith("beta")}
    if optimizer in ("adam", "adamw"):
        result["betas"] = betas
    if optimizer == "sgd":
        result.setdefault("lr", 1e-3)  # the default since PyTorch 2.2; before, it had none
    return result


def numbers(values):
    # Twelve significant digits leave out what differs from one processor to another.
    return [float(f"{value:.12g}") for value in values.tolist()]


def run(optimizer, settings, start, gradients):
    weight = start.clone().requires_grad_()
    stepper = CLASSES[optimizer]([weight], **torch_arguments(optimizer, settings))
    steps = []
    for gradient in gradients:
        weight.grad = gradient.clone()
        stepper.step()
        steps.append(numbers(weight.detach()))
    kept = {name: numbers(value) for name, value in stepper.state[weight].items() if torch.is_tensor(value) and value.numel() == WEIGHTS}
    return {"optimizer": optimizer, "hyper": settings, "weights": steps, "state": kept}


def main():
    rng = torch.Generator().manual_seed(zlib.crc32(b"optimizers"))
    start = torch.round(torch.randn(WEIGHTS, generator=rng, dtype=torch.float64) * 64) / 64
    gradients = torch.round(torch.randn((STEPS, WEIGHTS), generator=rng, dtype=torch.float64) * 64) / 64
    gradients[:, 3] = 0
    document = {
        "format": "typenet golden optimizers 1",
        "start": start.tolist(),
        "gradients": gradients.tolist(),
        "runs": [run(optimizer, settings, start, gradients) for optimizer, settings in RUNS],
    }
    path = pathlib.Path(__file__).with_suffix(".json")
    text = json.dumps(document)
    for mark in ('"start"', '"gradients"', '"runs"', '{"optimizer"', '"weights"', '"state"'):
        text = text.replace(mark, "\n" + mark)
    path.write_text(text + "\n")


if __name__ == "__main__":
    main()
