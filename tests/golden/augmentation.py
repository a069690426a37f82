#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes augmentation.txt: what Pillow and PyTorch make of small grey images, for the transforms of typenet.

Run it with Debian's python3-pil and python3-torch:  /usr/bin/python3 tests/golden/augmentation.py
It rewrites the file beside itself. Each line is a case: its name, its parameters, and the pixels in hexadecimal.
The calls are those torchvision makes: on a PIL image for Resize, RandomRotation and ColorJitter, on a tensor for a Resize without
antialiasing and for RandomAffine.
"""

import math
import pathlib

import torch
from PIL import Image, ImageEnhance


def picture(width, height, phase):
    """A bright curved stroke on black with soft edges and a few grey specks: a digit as far as these transforms can tell."""
    image = Image.new("L", (width, height))
    for y in range(height):
        for x in range(width):
            u, v = x / width - 0.5, y / height - 0.5
            distance = abs(u - 0.22 * math.sin(7 * v + phase)) * width
            level = 0 if abs(v) > 0.42 else max(0.0, min(1.0, 2.2 - distance)) * 255
            if (x * 7 + y * 13 + int(10 * phase)) % 61 == 0:
                level = max(level, 3 * x + 2 * y)
            image.putpixel((x, y), int(level))
    return image


def line(kind, parameters, image):
    return " ".join([kind, *map(str, parameters), image.tobytes().hex()])


def tensor_of(image):
    return torch.tensor(list(image.getdata()), dtype=torch.float64).reshape(1, 1, image.height, image.width)


def tensor_line(kind, parameters, tensor):
    return " ".join([kind, *map(str, parameters), bytes(tensor.round().flatten().to(torch.uint8).tolist()).hex()])


def distorted(image, degrees, right, down, scale, squeeze, shear, fill):
    """Squeezed, sheared, turned clockwise, scaled and moved about its centre, amid a plane of one grey level."""
    turn, lean = math.radians(degrees), math.tan(math.radians(shear))
    forward = torch.tensor([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]], dtype=torch.float64)
    forward = scale * forward @ torch.tensor([[1, -lean], [0, 1]], dtype=torch.float64)
    forward = forward @ torch.tensor([[squeeze, 0], [0, 1 / squeeze]], dtype=torch.float64)
    pixels = tensor_of(image)
    half = torch.tensor([image.width / 2, image.height / 2], dtype=torch.float64)
    rows, columns = torch.meshgrid(torch.arange(image.height), torch.arange(image.width), indexing="ij")
    to = torch.stack([columns, rows], -1) + 0.5 - half - torch.tensor([right, down], dtype=torch.float64)
    grid = (to @ torch.linalg.inv(forward).T) / half  # from -1 to 1 over the image
    return torch.nn.functional.grid_sample(pixels - fill, grid[None], mode="bilinear", align_corners=False) + fill


def main():
    lines = []
    for phase in (0.0, 1.3):
        small = picture(28, 28, phase)
        lines.append(line("image", [], small))
        for width, height in ((32, 32), (16, 16), (20, 41), (28, 33), (9, 28)):
            lines.append(line("resize", [height, width], small.resize((width, height), Image.Resampling.BILINEAR)))
        large = small.resize((32, 32), Image.Resampling.BILINEAR)
        for angle in (0.0, 0.125, -0.125, 3.75, -7.5, 14.96875, -15.0, 44.5, -97.25, 180.0):
            lines.append(line("rotate", [angle], large.rotate(angle, Image.Resampling.NEAREST, fillcolor=0)))
        # Multiples of 1/1024, exact in float.
        for bright, strong in ((820, 1228), (1228, 820), (1023, 1025), (1201, 1111), (897, 931), (1024, 1024), (2500, 3000), (0, 512)):
            factors = [bright / 1024, strong / 1024]
            brighter = ImageEnhance.Brightness(large).enhance(factors[0])
            lines.append(line("brightness_contrast", factors, ImageEnhance.Contrast(brighter).enhance(factors[1])))
            stronger = ImageEnhance.Contrast(large).enhance(factors[1])
            lines.append(line("contrast_brightness", factors, ImageEnhance.Brightness(stronger).enhance(factors[0])))
        for height, width in ((16, 16), (20, 17), (41, 9), (32, 32)):
            smaller = torch.nn.functional.interpolate(tensor_of(small), (height, width), mode="bilinear", align_corners=False)
            lines.append(tensor_line("interpolate", [height, width], smaller))
        # Degrees, right, down, scale, squeeze, shear, fill: one by one, then together. Multiples of powers of two, exact in float.
        for parameters in (
            (0, 0, 0, 1, 1, 0, 0),
            (11.25, 0, 0, 1, 1, 0, 0),
            (0, 1.75, 0, 1, 1, 0, 0),
            (0, 0, -2.5, 1, 1, 0, 0),
            (0, 0, 0, 0.8125, 1, 0, 0),
            (0, 0, 0, 1, 1.1875, 0, 0),
            (0, 0, 0, 1, 1, -14.5, 0),
            (-7.5, 2.25, -1.125, 1.125, 0.875, 9.5, 0),
            (97.25, -4.5, 3.0625, 0.625, 1.3125, 21, 40),
        ):
            lines.append(tensor_line("affine", parameters, distorted(large, *parameters)))
    pathlib.Path(__file__).with_suffix(".txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
