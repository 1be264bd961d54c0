"""Writes docs/benchmarks.md from the results of bench/run.sh.

    python3 bench/render.py FOLDER
"""

import json
import pathlib
import sys

HEAD = """# Benchmarks

Written by `make bench` (`bench/run.sh`), which runs everything below and replaces this file: nothing in it is typed in.
Each line bears the commit it was measured at (+: with changes not committed) and the load of the machine meanwhile.
Processor seconds and memory are the operating system's accounts of the process (`wait4`: user and system time, largest
resident set, the pages of the program file included); on a shared machine they say more than the wall.
Figures are minimum / median of the runs.
"""


def read(folder, name):
    path = folder / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() and path.stat().st_size else None


def both(column, digits=2):
    return f"{column['min']:.{digits}f} / {column['median']:.{digits}f}"


def where(r):
    low, high = r["load"]
    return f"{r['commit']} | {r['runs']} | {low}–{high}"


def met(text, ok):
    return f"- {text}: **{'met' if ok else 'not met'}**"


def machine(results):
    out = []
    for m in {json.dumps(r["machine"], sort_keys=True): r["machine"] for r in results if r}.values():
        out.append(f"Machine: {m['cores']} cores, {m['memory_gib']} GiB, {m['processor']}, {m['system']}.")
    days = sorted(r["when"] for r in results if r)
    return out + ([f"Measured from {days[0]} to {days[-1]}."] if days else [])


def start(r):
    if not r:
        return ["Not measured."]
    return ["| wall s | CPU s | peak MiB | commit | runs | load |", "|---|---|---|---|---|---|",
            f"| {both(r['wall_s'], 3)} | {both(r['cpu_s'], 3)} | {both(r['peak_mib'], 0)} | {where(r)} |", "",
            met(f"at most 30 ms, by the minimum: {1000 * r['wall_s']['min']:.0f} ms", r["wall_s"]["min"] <= 0.03)]


def estates(results):
    if not results:
        return ["Not measured."]
    types = max(len(r["made"]["types"]) for r in results)
    bytes_, read_, faulty = (sum(r["made"][k] for r in results) for k in ("configBytes", "read", "faulty"))
    out = [f"The estate is `bench/estategen`'s: AWS accounts and Kubernetes clusters of {types} types, configurations of {bytes_ / read_ / 1000:.1f} kB on average, "
           f"{100 * faulty / read_:.1f} % of them", "with a planted fault. Assets are what the snapshot holds: those with a configuration of their own, and what understanding them adds",
           "(statements, containers, sets, what is known by name only).", "",
           "| assets | with configuration | relations | configurations MB | findings: fail, unknown | workloads | CPU s | wall s | peak MiB | commit | runs | load |",
           "|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for r in results:
        made, found = r["made"], r["findings"]
        out.append(f"| {made['assets']:,} | {made['read']:,} | {made['relations']:,} | {made['configBytes'] / 1e6:.0f} | {found.get('fail', 0):,}, {found.get('unknown', 0):,} "
                   f"| {found['workloads']:,} | {both(r['cpu_s'])} | {both(r['wall_s'])} | {both(r['peak_mib'], 0)} | {where(r)} |")
    out.append("")
    for r in results:
        if r["name"] == "100000":
            out += [met(f"100,000 assets in at most 5 s, by the smallest wall: {r['wall_s']['min']:.1f} s, {r['cpu_s']['min']:.1f} CPU s", r["wall_s"]["min"] <= 5),
                    met(f"100,000 assets in at most 300 MB, by the largest peak: {1.048576 * max(r['peak_mib']['all']):.0f} MB", 1.048576 * max(r["peak_mib"]["all"]) <= 300)]
    missing = [n for n in ("1000", "10000", "100000", "1000000") if n not in {r["name"] for r in results}]
    return out + ([f"- not measured: {', '.join(f'{int(n):,}' for n in missing)} assets"] if missing else [])


def graph(r):
    if not r:
        return ["Not measured."]
    out = ["| benchmark | wall s | CPU s |", "|---|---|---|"]
    for name, units in r["figures"].items():
        seconds = {k: v / 1e9 for k, v in units["ns/op"].items() if k != "all"}
        cpu = both(units["cpu-s/op"], 3) if "cpu-s/op" in units else ", ".join(f"{v['median']:.0f} {u}" for u, v in units.items() if u.endswith("MB"))
        out.append(f"| {name} | {both(seconds, 3)} | {cpu} |")
    low, high = r["load"]
    out += ["", f"Commit {r['commit']}, {r['runs']} runs of each, load {low}–{high}.", ""]
    for name, what, bound in (("BuildMillion", "built", 2), ("ReachMillion", "full reach", 0.3)):
        least = r["figures"][name]["ns/op"]["min"] / 1e9
        out.append(met(f"{what} in at most {bound} s, by the minimum: {least:.3f} s", least <= bound))
    return out


def admission(r):
    if not r:
        return ["Not measured."]
    figures = r["figures"]["Admission"]
    out = ["| | gated ms | not gated ms | added ms |", "|---|---|---|---|"]
    for share in ("p50", "p99"):
        out.append(f"| {share} | {' | '.join(both(figures[f'{share}-{what}-ms']) for what in ('gated', 'free', 'added'))} |")
    low, high = r["load"]
    least = figures["p99-added-ms"]["min"]
    return out + ["", f"Commit {r['commit']}, {r['runs']} runs, load {low}–{high}.", "", met(f"p99 at most 10 ms added, by the minimum: {least:.1f} ms", least <= 10)]


def plans(results):
    if not results:
        return ["Not measured."]
    out = ["| resources | over assets | CPU s | wall s | peak MiB | commit | runs | load |", "|---|---|---|---|---|---|---|---|"]
    for r in results:
        out.append(f"| {int(r['name']):,} | {int(r['base']):,} | {both(r['cpu_s'])} | {both(r['wall_s'])} | {both(r['peak_mib'], 0)} | {where(r)} |")
    out.append("")
    for r in results:
        if r["name"] == "2000" and r["base"] == "0":
            out.append(met(f"2,000 resources in at most 1 s, by the smallest wall: {r['wall_s']['min']:.2f} s", r["wall_s"]["min"] <= 1))
    return out


def risk(r):
    if not r:
        return ["Not measured."]
    out = ["| assets | relations | seconds |", "|---|---|---|"]
    sizes = {int(name.rpartition("/")[2]): f for name, f in r["figures"].items()}
    for n, f in sorted(sizes.items()):
        least = {"min": f["ns/op"]["min"] / 1e9, "median": f["ns/op"]["median"] / 1e9}
        out.append(f"| {n:,} | {5 * n:,} | {both(least)} |")
    low, high = r["load"]
    out += ["", f"Commit {r['commit']}, {r['runs']} runs, load {low}–{high}.", ""]
    for n, bound in ((100_000, 2), (1_000_000, 15)):
        least = sizes[n]["ns/op"]["min"] / 1e9
        out.append(met(f"paths, scores and fixes over {n:,} assets in at most {bound} s, by the minimum: {least:.1f} s", least <= bound))
    return out


def prowler(ours, theirs):
    if not ours or not theirs:
        return ["Not measured."]
    out = [f"Services: {ours['services']}.", "", f"| | sevenfold assess | {theirs['name']} | ratio of minima | ratio of medians |", "|---|---|---|---|---|"]
    for key, name, digits in (("cpu_s", "client CPU s", 2), ("peak_mib", "peak MiB", 0), ("wall_s", "wall s", 1), ("server_cpu_s", "of the wall, the double's CPU s", 1)):
        a, b = ours[key], theirs[key]
        out.append(f"| {name} | {both(a, digits)} | {both(b, digits)} | {b['min'] / a['min']:.1f} | {b['median'] / a['median']:.1f} |")
    out += [f"| commit, runs, load | {where(ours).replace(' | ', ', ')} | {where(theirs).partition(' | ')[2].replace(' | ', ', ')} | | |", ""]
    cpu, peak = (theirs[k]["median"] / ours[k]["median"] for k in ("cpu_s", "peak_mib"))
    return out + [met(f"client CPU at most a tenth, by medians: 1/{cpu:.1f}", cpu >= 10), met(f"peak memory at most a fifth, by medians: 1/{peak:.1f}", peak >= 5)]


def drift(r):
    if not r:
        return ["Not measured."]
    out = ["| days compared | assets | records | wall s | CPU s |", "|---|---|---|---|---|"]
    sizes = sorted({int(name.rpartition("/")[2]) for name in r["figures"]})
    for n in sizes:
        for what, say in (("same", "a day and itself"), ("changed", "a day and the second after it")):
            f = r["figures"][f"Drift/{what}/{n}"]
            seconds = {k: f["ns/op"][k] / 1e9 for k in ("min", "median")}
            out.append(f"| {say} | {f['assets']['median']:,.0f} | {f['records']['median']:,.0f} | {both(seconds, 3)} | {both(f['cpu-s/op'], 3)} |")
    low, high = r["load"]
    out += ["", f"Commit {r['commit']}, {r['runs']} runs of each, load {low}–{high}.", ""]
    for n in sizes:
        g = r["figures"][f"Drift/growth/{n}"]
        out.append(f"- a state of {g['assets']['median']:,.0f} assets: the first snapshot {g['first-MB']['median']:.1f} MB, a further day of which {g['changed']['median']:,.0f} assets differ at most {g['day-MB']['median']:.2f} MB")
        if n == 100_000:
            least = r["figures"][f"Drift/changed/{n}"]["ns/op"]["min"] / 1e9
            out += [met(f"100,000 assets compared in at most 1 s, by the smallest wall: {least:.2f} s", least <= 1),
                    met(f"a day adds at most 3 MB, by the largest: {max(g['day-MB']['all']):.2f} MB", max(g["day-MB"]["all"]) <= 3)]
    return out


def access(ours, simulate, splaining):
    if not ours:
        return ["Not measured."]
    figures = ours["figures"]
    sizes = sorted({int(name.rpartition("/")[2]) for name in figures})
    out = ["| roles | load CPU s | load wall s | memory MB | decisions a CPU second | who-can CPU ms | who-can wall ms | holders |", "|---|---|---|---|---|---|---|---|"]
    for n in sizes:
        load, decide, who = (figures.get(f"{part}/{n}") for part in ("Load", "Decide", "WhoCan"))
        thousand = {k: 1e3 * who["cpu-s/op"][k] for k in ("min", "median")}
        wall = {k: who["ns/op"][k] / 1e6 for k in ("min", "median")}
        rates = decide["decisions/cpu-s"]
        out.append(f"| {n:,} | {both(load['cpu-s/op'])} | {load['ns/op']['min'] / 1e9:.2f} / {load['ns/op']['median'] / 1e9:.2f} | {both(load['rss-MB'], 0)} "
                   f"| {max(rates['all']):,.0f} / {rates['median']:,.0f} | {both(thousand, 1)} | {both(wall, 1)} | {who['holders']['median']:.0f} |")
    low, high = ours["load"]
    out += ["", f"Of the decisions the greatest and the median are stated. Commit {ours['commit']}, {ours['runs']} runs of each, load {low}–{high}.", ""]
    if 10_000 in sizes:
        load, decide, who = (figures[f"{part}/10000"] for part in ("Load", "Decide", "WhoCan"))
        out += [met(f"10,000 roles loaded in at most 2 s, by the smallest wall: {load['ns/op']['min'] / 1e9:.2f} s, {load['cpu-s/op']['min']:.2f} CPU s", load["ns/op"]["min"] <= 2e9),
                met(f"in at most 150 MB, the test program's all, by the largest: {max(load['rss-MB']['all']):.0f} MB", max(load["rss-MB"]["all"]) <= 150),
                met(f"who-can in at most 50 ms, by the smallest wall: {who['ns/op']['min'] / 1e6:.1f} ms, {1e3 * who['cpu-s/op']['min']:.1f} CPU ms", who["ns/op"]["min"] <= 5e7),
                met(f"at least 500,000 decisions a second of one core, by the greatest: {max(decide['decisions/cpu-s']['all']):,.0f}", max(decide["decisions/cpu-s"]["all"]) >= 500_000)]
    out += ways(figures)
    out += ["", "| the account of the first table | CPU s | peak MiB | what it did | commit, runs, load |", "|---|---|---|---|---|"]
    if simulate:
        said = simulate["said"]
        out.append(f"| {simulate['name']} | {both(simulate['cpu_s'])} | {both(simulate['peak_mib'], 0)} | {said['questions']} of the questions: {said['questions'] / said['cpu_s']:.0f} decisions a CPU second, its start not counted | {where(simulate).replace(' | ', ', ')} |")
    if splaining:
        out.append(f"| {splaining['name']} | {both(splaining['cpu_s'])} | {both(splaining['peak_mib'], 0)} | policies of {int(splaining['roles']):,} roles scanned one by one; no conditions, boundaries or control policies | {where(splaining).replace(' | ', ', ')} |")
    return out


def ways(figures):
    sizes = sorted(int(name.rpartition("/")[2]) for name in figures if name.startswith("Ways/"))
    if not sizes:
        return ["- ways to administrator: not measured"]
    out = ["", "Ways to administrator, in one account made to be bad: users and roles that services take, with one to four of AWS's managed policies each, drawn by lot, and",
           "nothing known beside policies, which leaves most ways open. All ways, each with its steps and the statements that decide them; and who can climb at all, which every assessment asks.", "",
           "| principals | all ways | CPU s | wall s | program's MB | who climbs | CPU s | wall s |", "|---|---|---|---|---|---|---|---|"]
    for n in sizes:
        every, who = figures[f"Ways/{n}"], figures[f"Climbers/{n}"]
        wall = [f"{f['ns/op']['min'] / 1e9:.2f} / {f['ns/op']['median'] / 1e9:.2f}" for f in (every, who)]
        out.append(f"| {n:,} | {every['ways']['median']:,.0f} | {both(every['cpu-s/op'])} | {wall[0]} | {both(every['rss-MB'], 0)} | {who['climbers']['median']:,.0f} | {both(who['cpu-s/op'])} | {wall[1]} |")
    if 10_000 in sizes:
        f = figures["Ways/10000"]
        out += ["", met(f"all ways of 10,000 principals in at most 10 s, by the smallest wall: {f['ns/op']['min'] / 1e9:.1f} s, {f['cpu-s/op']['min']:.1f} CPU s", f["ns/op"]["min"] <= 1e10)]
    return out


def network(folder):
    """The network engines, and netpol-analyzer on the same manifests."""
    out = []
    wanted = (("network-aws", "AWS: all pairs of interfaces, an edit"), ("network-kube", "Kubernetes: manifests read and all pairs of pods decided, one policy changed"),
              ("network-flows", "Flow logs"))
    for name, title in wanted:
        r = read(folder, name)
        if not r:
            out += [f"{title}: not measured.", ""]
            continue
        out += [f"{title} (commit {r['commit']}, {r['runs']} runs, load {r['load'][0]}–{r['load'][1]}):", "", "| benchmark | wall s | others |", "|---|---|---|"]
        for bench, units in sorted(r["figures"].items()):
            wall = units.get("ns/op")
            rest = "; ".join(f"{unit} {both(v, 1 if v['min'] >= 10 else 3)}" for unit, v in sorted(units.items()) if unit not in ("ns/op", "B/op", "allocs/op"))
            out.append(f"| {bench} | {wall['min'] / 1e9:.3f} / {wall['median'] / 1e9:.3f} | {rest} |" if wall else f"| {bench} | | {rest} |")
        out.append("")
    rows = []
    for p in sorted(folder.glob("network-peer-*.json"), key=lambda p: int(p.stem.rsplit("-", 1)[1])):
        peer, ours = json.loads(p.read_text()), read(folder, p.stem.replace("peer", "ours"))
        if ours:
            rows.append(f"| {int(peer['pods']):,} | {both(ours['cpu_s'])} | {both(ours['peak_mib'], 0)} | {both(peer['cpu_s'])} | {both(peer['peak_mib'], 0)} | {peer['cpu_s']['min'] / max(ours['cpu_s']['min'], 0.001):.0f} | {peer['name']} | {where(peer)} |")
    if rows:
        out += ["The same manifests, 500 policies, read and all pairs of pods decided (`bench/network.sh`): CPU seconds and MiB here, and there.", "",
                "| pods | CPU s here | MiB | CPU s there | MiB | times | peer | commit | runs | load |", "|---|---|---|---|---|---|---|---|---|---|", *rows]
    else:
        out.append("netpol-analyzer on the same manifests: not measured.")
    return out


def rules(folder):
    """The readers of events, the rule engine, the stream."""
    out = []
    for part, title in (("decode", "CloudTrail read"), ("sigma", "read and matched, by the number of rules"), ("stream", "stored and archived"), ("ingest", "the whole way: read, stored, taken, matched by our own rules")):
        r = read(folder, "rules-" + part)
        if not r:
            out += [f"{title}: not measured.", ""]
            continue
        out += [f"{title} (commit {r['commit']}, {r['runs']} runs, load {r['load'][0]}–{r['load'][1]}):", "", "| benchmark | ns an operation | others |", "|---|---|---|"]
        for bench, units in sorted(r["figures"].items()):
            rest = "; ".join(f"{unit} {both(v, 1 if v['min'] >= 10 else 3)}" for unit, v in sorted(units.items()) if unit not in ("ns/op", "B/op", "allocs/op"))
            out.append(f"| {bench} | {units['ns/op']['min']:,.0f} / {units['ns/op']['median']:,.0f} | {rest} |")
        if part == "sigma" and "Rules/600" in r["figures"]:
            best = max(r["figures"]["Rules/600"]["events/CPU-s"]["all"])
            out += ["", met(f"at least 400,000 events a CPU second with 500 rules or more, reading included: {best:,.0f}", best >= 400_000)]
        out.append("")
    return out


def detect(folder):
    """Detection under load, and models of others beside it."""
    out = []
    runs = sorted((json.loads(p.read_text()) for p in folder.glob("detect-load-*.json") if p.stat().st_size), key=lambda r: (r["nodes"], r["principals"]))
    if not runs:
        out += ["Under load: not measured.", ""]
    else:
        out += ["| principals | stream nodes | s | events | events a s | events a CPU s | CPU s of the product | of the nodes | of the generator | MiB | attacks told | delay s, half / 99 in 100 / slowest | told to come again | commit | load |",
                "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"]
        for r in runs:
            out.append(f"| {r['principals']:,} | {r['nodes']} | {r['seconds']:.0f} | {r['events']:,} | {r['events_s']:,.0f} | {r['events_cpu_s']:,.0f} | {r['product_cpu_s']:.0f} | {r['nodes_cpu_s']:.0f} | "
                       f"{r['generator_cpu_s']:.0f} | {r['peak_mib']:.0f} | {r['told']} of {r['attacks']} | {r['p50_s']:.2f} / {r['p99_s']:.2f} / {r['slowest_s']:.2f} | {r['refused']} | {r['commit']} | {r['load']} |")
        first = runs[0]
        out += ["", met(f"at least 100,000 events a second for {first['seconds']:.0f} s (asked: 600), whole way, {first['principals']} principals, one process: {first['events_s']:,.0f}", first["events_s"] >= 100_000 and first["seconds"] >= 600),
                met(f"99 in 100 attacks told within 2 s of being sent, at that load: {first['p99_s']:.2f} s, {first['told']} of {first['attacks']} told", first["p99_s"] < 2 and first["told"] == first["attacks"]), ""]
    r = read(folder, "detect-others")
    if not r:
        return [*out, "Models of others: not measured.", ""]
    out += [f"Models of others on the same organisations and attacks (seeds {', '.join(r['seeds'])}), given the same facts of each event as numbers (`bench/detect/features`); they learn thirty days and",
            "score the rest. Their incidents are a principal's two hours, and of each day the highest are taken with the whole day known. Our own rows are in [detect-quality.md](detect-quality.md).", "",
            "| model | recall at 1 a day | 3 | 10 | events a CPU s |", "|---|---|---|---|---|"]
    for m in r["rows"]:
        share = {int(b): n / m["attacks"] for b, n in m["found"].items()}
        out.append(f"| {m['method']} | {share[1]:.2f} | {share[3]:.2f} | {share[10]:.2f} | {m['events'] / max(m['cpu_s'], 0.001):,.0f} |")
    return [*out, "", f"Commit {r['commit']}.", ""]


def respond(folder):
    """Kills, a thousand playbooks, a tabletop."""
    out = []
    r = read(folder, "respond-kills")
    out += [met(f"{r['kills']} kills of a process at random points, {r['playbooks']} playbooks (commit {r['commit']}, load {r['load'][0]}): no action lost or done twice, every chain whole; "
                f"{r['recovered']} calls were found done by the run that went on", r["kills"] >= 500)] if r else ["- kills at random points: not measured"]
    r = read(folder, "respond-playbooks")
    if r:
        v = r["figures"]["ThousandRuns"]
        out.append(met(f"a thousand playbooks at the same time in at most 200 MiB: {max(v['MB']['all']):.0f} MiB, {v['cpu-s/1000runs']['min']:.1f} CPU s (commit {r['commit']}, {r['runs']} runs, load {r['load'][0]}–{r['load'][1]})", max(v["MB"]["all"]) <= 200))
    r = read(folder, "respond-exercise")
    if r:
        v = r["figures"]["Exercise"]["ns/op"]
        out.append(met(f"a tabletop made for an estate of 100,000 assets in at most 2 s, by the median: {v['median'] / 1e9:.2f} s (commit {r['commit']}, {r['runs']} runs, load {r['load'][0]}–{r['load'][1]})", v["median"] <= 2e9))
    return out + [""]


def assessed(r):
    """All steps over the same estate."""
    if not r:
        return ["- `sevenfold assess`, all steps: not measured"]
    peak = 1.048576 * max(r["peak_mib"]["all"])
    low, high = r["load"]
    return [met(f"`sevenfold assess`, all steps, 100,000 assets in at most 5 s, by the smallest wall: {r['wall_s']['min']:.1f} s, {r['cpu_s']['min']:.1f} CPU s", r["wall_s"]["min"] <= 5),
            met(f"in at most 300 MB, by the largest peak: {peak:.0f} MB", peak <= 300),
            f"- that was at commit {r['commit']}, {r['runs']} runs, load {low}–{high}"]


def main():
    folder = pathlib.Path(sys.argv[1])
    sizes = sorted((json.loads(p.read_text()) for p in folder.glob("estate-*.json") if p.stat().st_size), key=lambda r: int(r["name"]))
    planned = sorted((json.loads(p.read_text()) for p in folder.glob("plan-*.json") if p.stat().st_size), key=lambda r: (int(r["base"]), int(r["name"])))
    parts = {n: read(folder, n) for n in ("start", "graph", "sevenfold", "prowler", "admission", "drift", "assess-100000", "access", "access-iam-simulate", "access-cloudsplaining")}
    lines = [HEAD, *machine([*parts.values(), *sizes, *planned]), "",
             "## A stored snapshot judged", "",
             "`sevenfold audit --snapshot latest --format json --out FILE`: the whole process, with loading, decoding, all controls, workloads, criteria and report.",
             *estates(sizes), *assessed(parts["assess-100000"]), "",
             "## The graph", "", "A million assets and five million relations; Go benchmarks of `estate`, one iteration a run.", "", *graph(parts["graph"]), "",
             "## A plan gated", "",
             "`sevenfold gate plan PLAN.json --alone`, and over a stored snapshot (`--snapshot latest`): the whole process, the plan read and converted, both sides",
             "understood and judged by all controls. `bench/plangen`'s plans: services of ten resources each, of which every tenth is new and every tenth grows.", "",
             *plans(planned), "",
             "## Admission in a cluster", "",
             "Growth of certified Deployments by their scale subresource, 200 requests a second by the clock, one second in five gated namespaces of forty certified Deployments each and one in others by turns;",
             "API server, etcd, gate and client on the same machine. Floor, webhook and its look at the object are in the gated figure. Added is gated minus not gated, run by run.",
             "", *admission(parts["admission"]), "",
             "## Drift, and what a day adds to a state", "",
             "`bench/estategen`'s estate on three days; on each of the later ones one asset in a hundred, of those with a configuration one in fifty, has another setting than on the first. Go benchmarks, one iteration a run:",
             "two snapshots loaded from a state in SQLite are compared, their configurations read from it meanwhile. The first day is held against itself loaded again, and against the third.",
             "", *drift(parts["drift"]), "",
             "## Who may do what", "",
             "`bench/accessgen`: roles that hold one to five of AWS's own 1,594 managed policies, every fourth a policy of its own with a variable and two conditions, every third a",
             "boundary; three levels of control policies, one of them with conditions. Eight questions by turns, which the context leaves open. `sevenfold`'s engine by its Go benchmarks,",
             "one iteration a run; peers by `bench/access.sh`, each doing what it does.", "", *access(parts["access"], parts["access-iam-simulate"], parts["access-cloudsplaining"]), "",
             "## Who can open a connection to whom", "",
             "Go benchmarks of `steps/network/reach/aws`, `reach/kube` and `flows`, one iteration a run; the name of each says how many interfaces, pods or records.", "",
             *network(folder), "",
             "## Events and rules", "",
             "`bench/rules.sh`: Go benchmarks of `steps/detect/ocsf`, `steps/detect/sigma`, `stream` and `assess`, on public CloudTrail records where CORPUS names them.", "",
             *rules(folder),
             "## Detection under load", "",
             "`bench/detect.sh`: `sevenfold detect run` takes CloudTrail records over HTTP from three connections as fast as it can, with the rules shipped and a behaviour learnt of twenty days: read, stored in the",
             "stream, matched, learnt, archived. More principals are further organisations of 150 that the model has not met. Twice a second an attack is sent beside it; the delay is from then to the",
             "line that tells its incident. The generator is a process of its own on the same machine.", "",
             *detect(folder),
             "## Responding", "", "`bench/respond.sh`: `steps/respond/playbook` and `steps/respond`.", "", *respond(folder),
             "## Beside Prowler", "",
             "The same account of the AWS double, filled with planted faults, one region, the services both read; `bench/prowler.sh`. The double answers both from the",
             "same machine, so the wall holds its time too.", "", *prowler(parts["sevenfold"], parts["prowler"]), "",
             "## Start", "", "`sevenfold --help`.", "", *start(parts["start"])]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
