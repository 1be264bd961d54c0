"""Writes the small files of steps/supply/modelfile/hdf5/testdata with the HDF5
library itself.

    python hdf5.py OUT
"""
import sys
import h5py, numpy as np

out = sys.argv[1]
with h5py.File(out + "/old.h5", "w") as f:  # superblock 0, symbol tables, headers of version 1
    f.attrs["model_config"] = '{"class_name": "Sequential"}'
    f.attrs["backend"] = np.bytes_("tensorflow")
    f.attrs["weight_names"] = [b"a", b"bb"]
    f.attrs["count"] = 3
    f.create_dataset("a/b/w", data=np.zeros(2))
    f["outside"] = h5py.ExternalLink("/etc/passwd", "/x")
    f["inside"] = h5py.SoftLink("/a/b")
    f.create_dataset("raw", shape=(2,), dtype="u1", external=[("/etc/hostname", 0, 2)])
with h5py.File(out + "/latest.h5", "w", libver="latest", userblock_size=512) as f:  # version 2 headers, dense storage
    for i in range(10):
        f.attrs[f"k{i:02}"] = f"value {i}"
        f.create_group(f"g{i:02}")
    f["outside"] = h5py.ExternalLink("other.h5", "/x")
    layout = h5py.VirtualLayout((2,), "u1")
    layout[:] = h5py.VirtualSource("third.h5", "x", (2,))
    f.create_virtual_dataset("virtual", layout)
