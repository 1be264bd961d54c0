"""Puts the tests of IAMSpy (Apache-2.0) in the form of documented/.

    python3 test/truth/iam/oracle/iamspy.py [--mend] CHECKOUT > theirs.json
    SEVENFOLD_IAM_CASES=theirs.json go test -v -run Outside ./test/truth/iam

Each question of can_i, each principal of who_can and each pair of the batch is a
case. IAMSpy takes conditions for fulfilled unless it is told to be strict; a role
that only conditions let in is "conditional" here. --mend writes a Principal that is
the text of an ARN as {"AWS": …}: as it stands the grammar does not have it, and we
say unknown.
"""

import ast
import json
import pathlib
import sys


class Sets(ast.NodeTransformer):
    """Writes set([a, b]) as {a, b}, which is a literal."""

    def visit_Call(self, node):
        items = node.args[0].elts if node.args else []
        return ast.copy_location(ast.Set(items) if items else ast.Call(ast.Name("set", ast.Load()), [], []), node)


def parameters(source):
    """The literal cases of each parametrized test, by the test's name."""
    out = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            for d in node.decorator_list:
                if isinstance(d, ast.Call) and getattr(d.func, "attr", "") == "parametrize":
                    out[node.name] = ast.literal_eval(Sets().visit(d.args[1]))
    return out


def identities(details):
    """Users and roles of an export, each with what binds it."""
    managed = {p["Arn"]: next(v["Document"] for v in p["PolicyVersionList"] if v["IsDefaultVersion"]) for p in details.get("Policies", [])}
    groups = {g["GroupName"]: g for g in details.get("GroupDetailList", [])}
    for kind, inline in (("RoleDetailList", "RolePolicyList"), ("UserDetailList", "UserPolicyList")):
        for d in details.get(kind, []):
            holders = [(d, inline)] + [(groups[g], "GroupPolicyList") for g in d.get("GroupList", [])]
            policies = [p["PolicyDocument"] for h, key in holders for p in h.get(key, [])]
            policies += [managed[p["PolicyArn"]] for h, _ in holders for p in h.get("AttachedManagedPolicies", []) if p["PolicyArn"] in managed]
            boundary = d.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
            yield d["Arn"], policies, managed.get(boundary)


def levels(tree, account, above=()):
    """The control policies from the root to an account; None if it is not in it."""
    here = list(above) + [[p["Content"] for p in tree.get("Policies", [])]]
    if tree["Id"] == account:
        return here
    for child in tree.get("Children", []):
        if (found := levels(child, account, here)) is not None:
            return found
    return None


def mended(policy):
    for s in policy["Statement"]:
        if isinstance(s.get("Principal"), str) and s["Principal"] != "*":
            s["Principal"] = {"AWS": s["Principal"]}
    return policy


def main(mend, checkout):
    tests = pathlib.Path(checkout) / "tests"
    files = tests / "files"
    cases = []

    def add(name, loaded, principal, action, resource, given=(), strict=False, expect=False):
        case = None
        for export in loaded.get("gaads", []):
            for arn, policies, boundary in identities(json.loads((files / export).read_text())):
                if arn == principal:
                    case = {"identityPolicies": policies} | ({"boundary": boundary} if boundary else {})
        if case is None:
            return
        account = principal.split(":")[4]
        for f in loaded.get("scps", []):
            tree = json.loads((files / f).read_text())
            if found := levels(tree, account):
                case["scps"], case["managementAccount"] = found, tree["Arn"].split(":")[4] == account
        # A role acts in a session.
        who = principal.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + "/s" if ":role/" in principal else principal
        request = {"principal": who, "action": action, "resource": resource}
        for f in loaded.get("resources", []):
            for r in json.loads((files / f).read_text()):
                if resource == r["Resource"] or resource.startswith(r["Resource"] + "/"):
                    case["resourcePolicy"] = mended(r["Policy"]) if mend else r["Policy"]
                    request["resourceAccount"] = r["Account"]
        context = dict(c.split("=", 1) for c in given or ())
        if context:
            request["context"] = {k: [v] for k, v in context.items()}
        request["open"] = not strict
        met = "aws:referer" in context or "conditions" not in " ".join(loaded["gaads"])
        case |= {"name": f"{name}_{len(cases)}", "why": "IAMSpy's own test", "source": "https://github.com/WithSecureLabs/IAMSpy/blob/main/tests/test_integration.py",
                 "expect": "deny" if not expect else "allow" if met else "conditional", "request": request}
        cases.append(case)

    found = parameters((tests / "test_integration.py").read_text())
    for loaded, asked, said in found["test_can_i"]:
        principal, action, resource, *rest = asked
        add("can_i", loaded, principal, action, resource, rest[0] if rest else (), len(rest) > 2 and rest[2], said)
    for test in ("test_who_can", "test_who_can_batch_resource"):
        for loaded, asked, said in found[test]:
            action, resources, *rest = asked
            for resource in [resources] if isinstance(resources, str) else resources:
                for export in loaded["gaads"]:
                    for arn, _, _ in identities(json.loads((files / export).read_text())):
                        yes = arn in said if isinstance(resources, str) else (arn, resource) in said
                        add("who_can", loaded, arn, action, resource, rest[0] if rest else (), len(rest) > 2 and rest[2], yes)
    json.dump({"schema": "sevenfold/iam-cases/v1", "cases": cases}, sys.stdout, indent=1)


if __name__ == "__main__":
    main("--mend" in sys.argv[1:-1], sys.argv[-1])
