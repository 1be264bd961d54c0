"""Compares the symbolic machine with Python's own unpicklers on bent pickles.

    python differential.py GLOBALS FOLDER [COUNT]

GLOBALS is the built test/modelfiles/globals, FOLDER holds pickles to bend. Python's
C and Python unpicklers run each with a find_class that notes the name and returns a
thing that does nothing, so that nothing is imported or called. Every name they ask
for must be among the machine's, or the file be blocked or unknown anyhow: at the end
of a file Python's own unpickler takes half a line for a name, which cannot be called.
"""
import io, json, os, pickle, random, signal, subprocess, sys

command, folder = sys.argv[1:3]
count = int(sys.argv[3]) if len(sys.argv) > 3 else 20000
rng = random.Random(20261128)


class Nothing:
    """Stands for every class and function: takes anything, does nothing."""

    def __new__(cls, *a, **k):
        return object.__new__(cls)

    def __init__(self, *a, **k):
        pass

    def __call__(self, *a, **k):
        return self

    def __setstate__(self, s):
        pass

    def __setitem__(self, k, v):
        pass

    def append(self, x):
        pass

    def extend(self, x):
        pass

    def add(self, x):
        pass


def asked(base, data):
    names = []

    class U(base):
        def find_class(self, module, name):
            names.append([module, name])
            return Nothing

        def persistent_load(self, pid):
            return None

    try:
        signal.alarm(2)
        try:
            U(io.BytesIO(data), encoding="latin1").load()
        finally:
            signal.alarm(0)
    except BaseException:
        pass
    return names


def stop(*_):
    raise TimeoutError


signal.signal(signal.SIGALRM, stop)
seeds = []
for root, _, files in os.walk(folder):
    for f in sorted(files):
        data = open(os.path.join(root, f), "rb").read()
        if len(data) < 5000:
            seeds.append(data)
OPS = b"().012FIJKLMNPQRSTUVXabcdeghijlopqrstu]}GB\x80\x81\x82\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98C"


def bend(data):
    b = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(b) + 1)
        kind = rng.randrange(6)
        if kind == 0 and at < len(b):
            b[at] = rng.choice(OPS)
        elif kind == 1:
            b.insert(at, rng.choice(OPS))
        elif kind == 2 and at < len(b):
            del b[at]
        elif kind == 3:
            other = rng.choice(seeds); i = rng.randrange(len(other)); b[at:at] = other[i:i + rng.randint(1, 40)]
        elif kind == 4 and at < len(b):
            b[at] = rng.randrange(256)
        elif kind == 5:
            b[at:at] = rng.choice([b"cos\nsystem\n", b"\x8c\x02os\x8c\x06system\x93", b"(", b"t", b"R", b")", b"h\x00", b"q\x00", b"\x94", b"Vos\n", b"S'os'\n", b"p0\n", b"g0\n", b"I1\n", b"L1L\n", b"N", b"2", b"0", b"1"])
    return bytes(b)


samples = seeds + [bend(rng.choice(seeds)) for _ in range(count)]
feed = b"".join(b"%d\n" % len(d) + d for d in samples)
lines = subprocess.run([command], input=feed, stdout=subprocess.PIPE, check=True).stdout.splitlines()
# The memory of a pickle may be bent to gigabytes; that is Python's problem, not a difference.
import resource
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
missed = names = apart = 0
for data, line in zip(samples, lines, strict=True):
    got = json.loads(line)
    ours = {tuple(g) for g in got["globals"]}
    for base in (pickle.Unpickler, pickle._Unpickler):
        for module, name in asked(base, data):
            names += 1
            if (module, name) in ours:
                continue
            if got["blocked"] or not got["whole"]:
                apart += 1
                continue
            missed += 1
            if missed <= 20:
                print(base.__module__, (module, name), data[:300])
print(f"{len(samples)} pickles, {names} names asked for, {apart} of files that are blocked or unknown anyhow, {missed} missed")
sys.exit(1 if missed else 0)
