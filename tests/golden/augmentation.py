#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes augmentation.txt: what Pillow makes of small grey images, for the transforms of typenet.

Run it with Debian's python3-pil:  /usr/bin/python3 tests/golden/augmentation.py
It rewrites the file beside itself. Each line is a case: its name, its parameters, and the pixels in hexadecimal.
The calls are those torchvision makes on a PIL image: Resize, RandomRotation, ColorJitter.
"""

import math
import pathlib

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
    pathlib.Path(__file__).with_suffix(".txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
