#!/usr/bin/env python3
"""Takes away from a copy of the example estate what network recommend names against
training reaching what serves: part.py ADVICE.json ESTATE."""
import json
import re
import sys

advice = next(a for a in json.load(open(sys.argv[1]))["advice"] if (a["from"], a["to"]) == ("training", "serving"))
for command in advice["commands"]:
    found = re.search(r"revoke-security-group-ingress .*--group-id (\S+) --ip-permissions '(.*)'$", command)
    print("  $", command)
    if not found:
        continue
    group, gone = found.group(1), json.loads(found.group(2))[0]
    path = f"{sys.argv[2]}/444455556666/ec2/describe-security-groups.json"
    groups = json.load(open(path))
    for g in groups["SecurityGroups"]:
        if g["GroupId"] != group:
            continue
        for p in g["IpPermissions"]:
            if p["IpProtocol"] == gone["IpProtocol"] and p.get("FromPort") == gone.get("FromPort"):
                cidrs = {r["CidrIp"] for r in gone.get("IpRanges", [])}
                p["IpRanges"] = [r for r in p["IpRanges"] if r["CidrIp"] not in cidrs]
    json.dump(groups, open(path, "w"), indent=4)
