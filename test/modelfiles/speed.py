"""Times the scanner beside picklescan on the inputs of the figures, in one run.

    python speed.py MEASURE PICKLESCAN DIR

MEASURE is the built test/modelfiles/measure, PICKLESCAN its peer's command (or -),
DIR takes some two gigabytes of sparse files.
"""
import os, pickle, resource, struct, subprocess, sys, time, zipfile

folder = sys.argv[3]
os.makedirs(folder, exist_ok=True)
BIG = 537_000_000
path = lambda n: os.path.join(folder, n)


def raw():
    with open(path("raw.pkl"), "wb") as f:
        f.write(b"\x80\x04\x8e" + struct.pack("<Q", BIG)); f.seek(BIG, 1); f.write(b"\x94.")


def torch_zip():
    with zipfile.ZipFile(path("model.pt"), "w", zipfile.ZIP_STORED) as z:
        z.writestr("archive/data.pkl", pickle.dumps({"a": 1}, 2))
        with z.open("archive/data/0", "w") as f:
            for _ in range(BIG // 1_000_000):
                f.write(bytes(1_000_000))
        z.writestr("archive/version", "3\n")


def dicts():
    with open(path("dicts.pkl"), "wb") as f:
        pickle.dump([{"id": i, "name": f"{i % 1000000:06}"} for i in range(1_000_000)], f, protocol=4)


def small():
    os.makedirs(path("small"), exist_ok=True)
    for i in range(2000):
        with open(path(f"small/{i}.pkl"), "wb") as f:
            pickle.dump({"w": list(range(50)), "n": f"file {i}"}, f)


def empty():
    with open(path("one.pkl"), "wb") as f:
        pickle.dump(None, f)


def timed(command):
    best, cpu, rss = 1e9, 1e9, 0
    for _ in range(3):
        start = time.time()
        p = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(p.pid, 0)
        best, cpu, rss = min(best, time.time() - start), min(cpu, usage.ru_utime + usage.ru_stime), max(rss, usage.ru_maxrss / 1024)
        if best > 20:
            break
    return best, cpu, rss


INPUTS = (("start", empty, "one.pkl"), ("raw pickle of 537 MB", raw, "raw.pkl"), ("torch zip of 537 MB", torch_zip, "model.pt"), ("a million dicts", dicts, "dicts.pkl"), ("2,000 small files", small, "small"))
if sys.argv[1] == "make":
    INPUTS[int(sys.argv[2])][1]()
    sys.exit()
measure, peer = sys.argv[1:3]
for i, (name, make, target) in enumerate(INPUTS):
    if not os.path.exists(path(target)):
        # In a process of its own: a child's peak memory counts its parent's.
        subprocess.run([sys.executable, __file__, "make", str(i), folder], check=True)
    ours, cpu, rss = timed([measure, "-files", path(target)])
    line = f"{name:24} {ours:7.3f} s ({cpu:.3f} of processor) {rss:6.0f} MB"
    if peer != "-":
        theirs, work, peak = timed([peer, "-p", path(target)])
        line += f"   picklescan {theirs:7.3f} s ({work:.3f}) {peak:6.0f} MB   {work / max(cpu, 0.001):6.0f} times the work"
    print(line, flush=True)
