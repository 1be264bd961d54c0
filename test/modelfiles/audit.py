"""Looks at what the tables of allowed globals allow, in the frameworks themselves.

    python audit.py TABLE…

Prints the entries that resolve to a module, and those whose code that unpickling
runs (a function's own; a class's __new__, __setstate__, and __init__ unless the
entry is for instances made without it) names something that evaluates, imports,
opens or loads. Each line is to be read by a person; exit 0.
"""
import importlib, inspect, re, sys, types, warnings

warnings.filterwarnings("ignore")
SUSPECT = re.compile(r"\b(eval|exec|compile|__import__|import_module|open|system|Popen|run|loads?|read_\w+|from_file|urlopen|getattr)\s*\(")
seen = resolved = 0
for table in sys.argv[1:]:
    new = False
    for line in open(table):
        if line.startswith("## "):
            new = line.startswith("## new ")
        if line.startswith("#") or not line.strip():
            continue
        module, *names = line.split()
        for name in names:
            seen += 1
            try:
                thing = importlib.import_module(module)
                for part in name.split("."):
                    thing = getattr(thing, part)
            except BaseException:
                continue
            resolved += 1
            if isinstance(thing, types.ModuleType):
                print(f"MODULE {module}.{name}")
                continue
            runs = [thing]
            if inspect.isclass(thing):
                runs = [vars(thing).get(m) for m in ("__new__", "__setstate__") + (() if new else ("__init__",))]
            for f in runs:
                try:
                    source = inspect.getsource(f)
                except (TypeError, OSError):
                    continue
                for m in sorted(set(SUSPECT.findall(source))):
                    print(f"{module}.{name} {getattr(f, '__name__', '?')}: {m}(")
print(f"{seen} entries, {resolved} resolved here", file=sys.stderr)
