"""Exchange of tensors with files and other libraries: files in the safetensors format (`mg.save`, `mg.load`).

`inspect` says what a file holds without taking it into memory; `pack_json` turns counters and histories into an array
that a file can hold, `unpack_json` back.
"""

from .json_arrays import pack_json, unpack_json
from .safetensors import Contents, Loaded, inspect
from .saving import load, save

__all__ = ["Contents", "Loaded", "inspect", "load", "pack_json", "save", "unpack_json"]
