"""python -m fill --endpoint URL --twin faulty|clean [--region R]: fill, then
print the account and the faults planted in it as JSON."""

import argparse
import json

from . import ai, apis, around, databases, identity, jobs, network, platform, storage, watch
from .account import Account


def main():
    p = argparse.ArgumentParser(prog="fill")
    p.add_argument("--endpoint", required=True)
    p.add_argument("--region", default="eu-west-1")
    p.add_argument("--twin", choices=["faulty", "clean"], required=True)
    args = p.parse_args()
    a = Account(args.endpoint, args.region, args.twin == "faulty")
    for part in (identity, storage, network, databases, ai, apis, around, platform, jobs, watch):
        part.fill(a)
    print(json.dumps({"account": a.id, "region": a.region, "faults": a.faults, "aged": a.aged}, indent=1))


main()
