"""Where samples go: OUT/benign/KIND/NAME and OUT/malicious/KIND/NAME."""
import os, sys, traceback

OUT = sys.argv[1]
made = failed = 0


def place(side, kind, name):
    folder = os.path.join(OUT, side, kind)
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, name)


def benign(kind, name):
    return place("benign", kind, name)


def evil(kind, name):
    return place("malicious", kind, name)


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb" if isinstance(data, bytes) else "w") as f:
        f.write(data)


def attempt(f):
    """Runs one group; a framework that is not installed costs its samples only, and says so."""
    global made, failed
    try:
        f()
        made += 1
    except BaseException as e:
        failed += 1
        print(f"{f.__name__}: {type(e).__name__}: {e}", file=sys.stderr)
        if os.environ.get("TRACE"):
            traceback.print_exc()
