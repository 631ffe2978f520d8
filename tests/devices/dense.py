"""The device of dense.c in Python with numpy, to the same bits: products summed over the inputs in ascending order, the C library's sine. dense.py 16,12"""
import math, struct, sys
import numpy as np

sine = np.frompyfunc(math.sin, 1, 1)  # numpy's own rounds otherwise on some processors


def answer(op, data=b""):
    sys.stdout.buffer.write(b"TZD1" + struct.pack("=IQ", op, len(data)) + data)
    sys.stdout.buffer.flush()


def forward(matrices, biases, a):
    for l, (W, b) in enumerate(zip(matrices, biases)):
        z = np.zeros((len(a), len(b)))
        for i in range(a.shape[1]):
            z += W[:, i] * a[:, i : i + 1]
        a = sine(z + b).astype(float) if l + 1 < len(biases) else z + b
    return a


while True:
    head = sys.stdin.buffer.read(16)
    if len(head) < 16:
        break
    op, size = struct.unpack("=IQ", head[4:])
    data = sys.stdin.buffer.read(size)
    if op == 1:  # hello: inputs, outputs, rank, ranks, seed
        inputs, outputs, rank, ranks, seed = struct.unpack("=IIIIq", data)
        width = [inputs, *map(int, sys.argv[1].split(",")), outputs]
        shapes = list(zip(width[1:], width[:-1]))
        answer(op, struct.pack("=QQ", sum(m * (n + 1) for m, n in shapes), 0))
    elif op == 2:  # bind: all matrices, then all biases
        parts = np.split(np.frombuffer(data), np.cumsum([m * n for m, n in shapes] + width[1:])[:-1])
        matrices, biases = [w.reshape(s) for w, s in zip(parts, shapes)], parts[len(shapes) :]
        answer(op)
    elif op == 3:  # forward
        answer(op, forward(matrices, biases, np.frombuffer(data).reshape(-1, inputs)).tobytes())
    else:  # close
        break
