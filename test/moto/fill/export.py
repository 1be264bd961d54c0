"""python -m fill.export --endpoint URL --out DIR: writes what the AWS command
line would print of a filled account, one file a call, in the layout
ACCOUNT/SERVICE/OPERATION[/SUBJECT].json."""

import argparse
import base64
import datetime
import json
import pathlib
import urllib.parse

from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from botocore import xform_name

from .account import Account
from .calls import CALLS, MORE


def plain(value):
    """What json cannot write, as the command line writes it."""
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(type(value))


def call(client, operation, **params):
    """What the command line prints: the reply, all pages together, or its error."""
    name = xform_name(operation)
    try:
        if client.can_paginate(name):
            reply = client.get_paginator(name).paginate(**params).build_full_result()
        else:
            reply = getattr(client, name)(**params)
    except (ClientError, ResponseParserError) as e:
        return f"\n{e}\n"
    reply.pop("ResponseMetadata", None)
    return reply


def write(root, reply, *parts):
    parts = [urllib.parse.quote(p, safe="") for p in parts]
    path = root.joinpath(*parts[:-1], parts[-1] + ".json")
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(reply, str):
        path.write_text(reply)
    else:  # of an empty reply the command line prints nothing
        path.write_text(json.dumps(reply, indent=4, default=plain) if reply else "")


def export(a, root):
    a.client("iam").generate_credential_report()
    for service, (cli, once, each) in CALLS.items():
        client = a.client(service)
        replies = {}
        for operation in once:
            replies[operation] = [call(client, operation, **MORE.get((service, operation), {}))]
            write(root, replies[operation][0], a.id, cli, command(operation))
        for operation, parameter, listing, (member, name) in each:
            replies[operation] = []
            for item in items(replies[listing], member):
                subject = item if name is None else item[name]
                # A further parameter is the item's member of the same name.
                more = {p: item[p] for p in parameter[1:]} if isinstance(parameter, tuple) else {}
                first = parameter[0] if isinstance(parameter, tuple) else parameter
                given = [subject] if first.endswith("[]") else subject
                reply = call(client, operation, **{first.removesuffix("[]"): given}, **more, **MORE.get((service, operation), {}))
                replies[operation].append(reply)
                write(root, reply, a.id, cli, command(operation), subject)
    write(root, call(a.client("s3control"), "GetPublicAccessBlock", AccountId=a.id), a.id, "s3control", "get-public-access-block")


def command(operation):
    return xform_name(operation, "-")


def items(replies, member):
    for reply in replies:
        if not isinstance(reply, str):  # a refused list has none
            found = reply.get(member, [])
            yield from found if isinstance(found, list) else [found]


def main():
    p = argparse.ArgumentParser(prog="fill.export")
    p.add_argument("--endpoint", required=True)
    p.add_argument("--region", default="eu-west-1")
    p.add_argument("--out", required=True, type=pathlib.Path)
    args = p.parse_args()
    export(Account(args.endpoint, args.region, faulty=False), args.out)


if __name__ == "__main__":
    main()
