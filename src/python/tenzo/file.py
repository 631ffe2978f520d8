"""What is in a checkpoint (include/tzcheckpoint.h), as Python objects."""
import h5py
import numpy as np

FORMATS = ("tenzo checkpoint 1", "tenzo checkpoint 2")  # the second has checksums of all arrays, here that of the parameters is looked at


class FileError(ValueError):
    """Not a checkpoint, or a damaged one"""


def checksum(x):
    """FNV-1a, 64 bits, as TzChecksum()"""
    h = 0xCBF29CE484222325
    for byte in np.ascontiguousarray(x, "<f8").tobytes():
        h = (h ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{h:016x}"


def options(text):
    """{name: value} of an options file; those at their defaults stand there as comments"""
    found = {}
    for line in text.splitlines():
        words = line.lstrip("# ").split(None, 1)
        if words and words[0].startswith("-"):
            found[words[0][1:]] = words[1].strip() if len(words) > 1 else ""
    return found


def read(path):
    """{dataset: text, integers or numbers} of a whole checkpoint, its parameters checked"""
    content = {}

    def take(name, item):
        if not isinstance(item, h5py.Dataset):
            return
        if item.external or item.is_virtual:
            raise FileError(f"{path}: /{name} lies outside the file")
        value = item[()]
        content["/" + name] = value.decode() if isinstance(value, bytes) else value

    with h5py.File(path, "r") as f:
        f.visititems(take)
    if content.get("/format") not in FORMATS:
        raise FileError(f"{path}: an HDF5 file, but not a checkpoint that this version reads: {content.get('/format')}")
    if "/checksum" not in content or checksum(content["/theta"]) != content["/checksum"]:
        raise FileError(f"{path}: damaged (the parameters are not those of its checksum)")
    return content
