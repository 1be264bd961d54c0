"""Writes the page of the scanner's quality from what the tests and benchmarks said."""
import re
import sys

quality = open(sys.argv[1]).read()
speed, commit, day = open(sys.argv[2]).read(), sys.argv[3], sys.argv[4]


def table(head, rows):
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for r in rows:
        print("| " + " | ".join(r) + " |")
    print()


print("""# Quality of the data step's scanner

Written by `bench/data.sh`: nothing in it is typed in. Measured %s at commit %s.
""" % (day, commit))
failed = re.findall(r"^--- FAIL: (\w+)", quality, re.M)
if failed:
    print("**Below what is asked: %s.**\n" % ", ".join(failed))

print("""## Free text

microsoft/presidio-research, `synth_dataset_v2.json`: 1,500 texts, overlap of spans of the same type. Asked: F1 and F2 of 0.93 over all.
""")
rows = re.findall(r"quality_test.go:\d+: (\w+)\s+precision ([\d.]+)\s+recall ([\d.]+)\s+F1 ([\d.]+)\s+F2 ([\d.]+)\s+\((\d+) gold, (\d+) said\)", quality)
if rows:
    with open("steps/data/scan/recall.txt", "w") as f:  # what promises rest on
        f.write("# The share of labelled values that the scanner finds, by type: microsoft/presidio-research's 1,500 texts.\n# Written by bench/data.sh, with docs/data-quality.md.\n")
        f.writelines("%s %s\n" % (r[0], r[2]) for r in rows if r[0] != "ALL")
    table(["type", "precision", "recall", "F1", "F2", "labelled", "said"], rows)
else:
    print("Not measured.\n")
for why in re.findall(r"not measured: (.*)", quality):
    print("Not measured: %s.\n" % why)

print("""## Types by themselves

Values made by each type's own rules, in sentences (PHONE_NUMBER 0.95, all others F1 0.99 or more, is asked).
""")
for line in re.findall(r"generate_test.go:\d+: (\d+ types, .*)", quality):
    print(line + " what is asked.\n")

print("""## Near misses

Texts in which nothing is anybody's. At most one false hit a megabyte is asked.
""")
table(["text", "false hits a megabyte"], re.findall(r"nearmiss_test.go:\d+: ([\w -]+?)\s+([\d.]+)(?: false hits.*)?$", quality, re.M))

print("""## Classes of tables and documents

Of made-up objects, 60 of each class, by the house that wrote the signs: they say more of regressions than of the world.
""")
table(["class", "precision", "recall"], re.findall(r"class_test.go:\d+: ([a-z-]+)\s+precision ([\d.]+) recall ([\d.]+)", quality))
print("Of files of others, programs told without their names' endings and documents, from Go's library and modules:\n")
for line in re.findall(r"classreal_test.go:\d+: ((?:programs|documents): .*)", quality):
    print("- " + line.replace("map[", "[") + "\n")

print("""## Speed

Megabytes for each second of a processor, the best of the runs. Asked: 200 on a text in which nearly every field is
somebody's, 400 on ordinary text, Parquet at 60% of the bare reader.
""")
best = {}
for name, value in re.findall(r"^Benchmark(\w+?)(?:-\d+)?\s.*?([\d.]+) MB/cpu-s", speed, re.M):
    best[name] = max(best.get(name, 0), float(value))
words = {"Dense": "dense, as text", "Ordinary": "ordinary text, the pass alone", "ObjectCSV": "dense, as a table with its columns judged", "ObjectText": "ordinary text, as a file",
         "ObjectJSONL": "prompts and answers", "ObjectParquet": "Parquet, judged", "BareParquet": "Parquet, read and not looked at"}
table(["what", "MB/CPU-s"], [(w, "%.0f" % best[n]) for n, w in words.items() if n in best])
if best.get("BareParquet"):
    print("Parquet: %.0f%% of the bare reader." % (100 * best["ObjectParquet"] / best["BareParquet"]))
