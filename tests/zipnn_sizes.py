"""Sizes and speeds of PyPI's zipnn on weight files, one line each: NAME TYPE SIZE IN_MB_S OUT_MB_S (CPU time, one thread)."""

import sys
import time

import zipnn

for argument in sys.argv[1:]:
    dtype, name = argument.split(":", 1)
    raw = open(name, "rb").read()
    codec = zipnn.ZipNN(input_format="byte", bytearray_dtype=dtype, threads=1)
    start = time.process_time()
    coded = codec.compress(bytearray(raw))
    into = time.process_time() - start
    times = []
    for _ in range(21):
        start = time.process_time()
        back = codec.decompress(coded)
        times.append(time.process_time() - start)
    assert bytes(back) == raw
    out = sorted(times)[len(times) // 2]
    print(name, dtype, len(coded), round(len(raw) / 1e6 / into), round(len(raw) / 1e6 / out))
