# SPDX-License-Identifier: MIT
"""Reads and writes safetensors files: the header's length in eight bytes, a header in JSON, then the numbers, little-endian."""

import json
import struct

import torch

TYPES = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64}
NAMES = {dtype: name for name, dtype in TYPES.items()}


def write(path, tensors):
    """Writes a file. @param tensors: a dictionary of tensors by name"""
    header, data = {}, b""
    for name, tensor in tensors.items():
        numbers = tensor.detach().contiguous().numpy().tobytes()
        header[name] = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(numbers)]}
        data += numbers
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def read(path):
    """Returns the tensors of a file, a dictionary by name."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    data, tensors = bytearray(content[8 + length :]), {}
    for name, entry in json.loads(content[8 : 8 + length]).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        dtype = TYPES[entry["dtype"]]
        numbers = torch.frombuffer(data[begin:end], dtype=dtype) if end > begin else torch.empty(0, dtype=dtype)
        tensors[name] = numbers.reshape(entry["shape"])
    return tensors
