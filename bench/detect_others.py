"""Outlier models of others on the features that bench/detect/features wrote.

    python bench/detect_others.py FOLDER

Each learns the first thirty days, unlabelled, and scores the rest; River's goes on learning as it
scores. An incident is a principal's two hours, with the score of its highest event; each day the three
highest count, chosen with the whole day known, which no running detection has: a favour to them.
Found is an attack one of whose events lies in such a window. Prints one JSON object.
"""

import json
import pathlib
import resource
import sys
import time

import numpy as np
import pyod
import river
import sklearn
from pyod.models.copod import COPOD
from pyod.models.ecod import ECOD
from river import anomaly, preprocessing
from sklearn.ensemble import IsolationForest

LEARN, BUDGET, WINDOW, MOST = 30, 3, 7200, 60_000


def sample(rows):
    """At most MOST rows to learn from, drawn evenly."""
    return rows[np.random.default_rng(1).permutation(len(rows))[:MOST]]


def forest(learn, live):
    model = IsolationForest(n_estimators=200, max_samples=4096, random_state=1, n_jobs=1).fit(sample(learn))
    return -model.score_samples(live)


def outlier(kind):
    def scores(learn, live):
        model = kind(contamination=0.001)
        model.fit(sample(learn))
        # ECOD and COPOD rank what they score among what they learnt, row by row of a table.
        return np.concatenate([model.decision_function(part) for part in np.array_split(live, max(1, len(live) // 20_000))])
    return scores


def trees(learn, live):
    scale, model = preprocessing.MinMaxScaler(), anomaly.HalfSpaceTrees(n_trees=25, height=10, window_size=1000, seed=1)
    out = np.empty(len(live))
    rows = [*sample(learn)[:20_000], *live]
    skip = len(rows) - len(live)
    for i, row in enumerate(rows):
        x = {str(j): float(v) for j, v in enumerate(row)}
        scale.learn_one(x)
        x = scale.transform_one(x)
        if i >= skip:
            out[i - skip] = model.score_one(x)
        model.learn_one(x)
    return out


METHODS = (("isolation forest (scikit-learn " + sklearn.__version__ + ")", forest), ("ECOD (PyOD " + pyod.__version__ + ")", outlier(ECOD)),
           ("COPOD (PyOD " + pyod.__version__ + ")", outlier(COPOD)), ("half-space trees (River " + river.__version__ + ")", trees))


def found(live, scores, budget):
    """Which attacks lie in the highest windows of their days."""
    windows = {}
    for (day, second, who, attack), score in zip(live, scores, strict=True):
        at = windows.setdefault(int(day), {}).setdefault((int(who), int(second) // WINDOW), [score, set()])
        at[0] = max(at[0], score)
        if attack >= 0:
            at[1].add(int(attack))
    out = set()
    for day in windows.values():
        for _, attacks in sorted(day.values(), key=lambda w: -w[0])[:budget]:
            out |= attacks
    return out


def main():
    files = sorted(pathlib.Path(sys.argv[1]).glob("seed-*.csv"))
    rows = []
    for name, score in METHODS:
        hits = dict.fromkeys((1, BUDGET, 10), 0)
        events, cpu, began = 0, 0.0, time.time()
        for f in files:
            table = np.loadtxt(f, delimiter=",")
            learn, live = table[table[:, 0] < LEARN][:, 4:], table[table[:, 0] >= LEARN]
            before = resource.getrusage(resource.RUSAGE_SELF)
            scores = score(learn, live[:, 4:])
            after = resource.getrusage(resource.RUSAGE_SELF)
            cpu += after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            events += len(live)
            for b in hits:
                hits[b] += len(found(live[:, :4], scores, b))
        rows.append({"method": name, "found": hits, "attacks": 35 * len(files), "events": events, "cpu_s": round(cpu, 1), "wall_s": round(time.time() - began, 1)})
        print(rows[-1], file=sys.stderr)
    print(json.dumps({"name": "others", "seeds": [f.stem.partition("-")[2] for f in files], "budget": BUDGET, "rows": rows}))


main()
