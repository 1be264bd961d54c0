"""Writes the gate's figures as Markdown.

    python3 bench/gate.py FOLDER
"""

import json
import pathlib
import sys

sys.dont_write_bytecode = True
import render  # noqa: E402  (beside this file)


def main():
    folder = pathlib.Path(sys.argv[1])
    plan, risk, admission = (json.loads((folder / f"{name}.json").read_text()) for name in ("plan-2000", "risk", "admission"))
    lines = ["# What the gate costs", "", "Written by `bench/gate.sh`; times are worth what the load beside them says.", "",
             *render.machine([plan, risk, admission]), "", "## A request in a cluster", "",
             "Growth of certified Deployments at 200 requests a second, in gated and free namespaces by turns, on a real API server.", "",
             *render.admission(admission), "", "## A plan", "", *render.plans([plan]), "", "## Paths, scores and fixes", "", *render.risk(risk)]
    print("\n".join(lines))


main()
