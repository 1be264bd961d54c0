#!/usr/bin/env python3
"""Run the mends of Terraform sources through the real terraform (or tofu).

Each source is validated and planned, the plan assessed, the patch of all applied
with git, and the outcome formatted (checked), validated, planned with values for
the new variables, and assessed again: what the patch says it mends must be gone,
and nothing new may have come. Usage:

    python3 test/terraformprovider/mend.py SEVENFOLD PROVIDERS SOURCE.tf...

PROVIDERS is a folder with terraform-provider-aws and terraform-provider-kubernetes,
both of them this folder's program under two names.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TERRAFORM = os.environ.get("TERRAFORM", "terraform")
REGION = 'provider "aws" {\n  region = "eu-west-1"\n}\n'


def run(args, cwd, ok=(0,), env=None):
    r = subprocess.run(args, cwd=cwd, env=env, capture_output=True, text=True)
    if r.returncode not in ok:
        raise Exception(f"{' '.join(args)}: exit {r.returncode}\n{r.stdout}\n{r.stderr}")
    return r.stdout


def value(typ):
    return '["one", "two"]' if typ.startswith("list") else "one"


def plan(folder, env):
    """Validate and plan a folder; the plan is left in plan.json."""
    run([TERRAFORM, "validate", "-no-color"], folder, env=env)
    arguments = []
    for name in sorted(os.listdir(folder)):
        if name.endswith(".tf"):
            text = open(os.path.join(folder, name)).read()
            for block in re.findall(r'^variable "(\w+)" \{(.*?)^\}', text, re.M | re.S):
                typ = re.search(r"type\s*=\s*(\S+)", block[1])
                arguments += ["-var", f"{block[0]}={value(typ.group(1) if typ else 'string')}"]
    run([TERRAFORM, "plan", "-no-color", "-input=false", "-lock=false", "-out=plan.bin"] + arguments, folder, env=env)
    text = run([TERRAFORM, "show", "-json", "plan.bin"], folder, env=env)
    with open(os.path.join(folder, "plan.json"), "w") as f:
        f.write(text)


def assess(sevenfold, folder):
    text = run([sevenfold, "audit", "--source", "terraform:plan.json,account=111122223333,region=eu-west-1", "--format", "json",
                "--state", os.path.join(folder, "state")], folder, ok=(0, 1, 3))
    shutil.rmtree(os.path.join(folder, "state"), ignore_errors=True)
    return json.loads(text)


def failing(report):
    return {f["control"] + " " + f["asset"] for f in report["findings"] if f["status"] == "fail"}


def check(sevenfold, source, env):
    folder = tempfile.mkdtemp(prefix="mend")
    try:
        shutil.copy(source, os.path.join(folder, "main.tf"))
        text = open(source).read()
        # What a source of ours names and does not declare is declared here.
        used = sorted(set(re.findall(r"\bvar\.(\w+)", text)))
        if used:
            with open(os.path.join(folder, "given.tf"), "w") as f:
                f.writelines(f'variable "{v}" {{\n  type = {"list(string)" if v.endswith("s") else "string"}\n}}\n' for v in used)
        with open(os.path.join(folder, "provider.tf"), "w") as f:
            f.write(REGION)
        plan(folder, env)
        before = assess(sevenfold, folder)
        patches = before["mending"]["patches"]
        if not patches or not patches[0]["patch"]:
            return "no patch", 0
        patch = patches[0]
        subprocess.run(["git", "apply", "-"], cwd=folder, input=patch["patch"], text=True, check=True,
                       env=dict(os.environ, GIT_CEILING_DIRECTORIES=os.path.dirname(folder)))
        unformatted = run([TERRAFORM, "fmt", "-check", "-list=true"] + patch["files"], folder, ok=(0, 3), env=env).split()
        plan(folder, env)
        after = assess(sevenfold, folder)
        ids = {f["id"]: f["control"] + " " + f["asset"] for f in before["findings"]}
        left = [ids[i] for i in patch["findings"] if ids[i] in failing(after)]
        new = failing(after) - failing(before)
        faults = [f"still: {x}" for x in left] + [f"new: {x}" for x in sorted(new)]
        faults += [f"not as terraform fmt: {x}" for x in unformatted if x != "main.tf"]
        faults += [f"left out: {ids[l['finding']]}: {l['why']}" for l in patch["left"]]
        return "; ".join(faults) or "good", len(patch["findings"])
    finally:
        shutil.rmtree(folder)


def main():
    sevenfold, providers, sources = sys.argv[1], os.path.abspath(sys.argv[2]), sys.argv[3:]
    with tempfile.NamedTemporaryFile("w", suffix=".tfrc", delete=False) as rc:
        rc.write('provider_installation {\n  dev_overrides {\n    "hashicorp/aws"        = "%s"\n    "hashicorp/kubernetes" = "%s"\n  }\n  direct {}\n}\n' % (providers, providers))
    env = dict(os.environ, TF_CLI_CONFIG_FILE=rc.name, CHECKPOINT_DISABLE="1",
               SEVENFOLD_ATTRIBUTES=os.path.join(HERE, "..", "..", "provider", "terraform", "attributes.txt"))
    good = mended = 0
    for s in sources:
        try:
            word, n = check(os.path.abspath(sevenfold), s, env)
        except Exception as e:  # noqa: BLE001 - told, and counted as a failure
            word, n = str(e), 0
        print(f"{os.path.basename(s)}: {word} ({n} findings mended)", flush=True)
        good, mended = good + (word in ("good", "no patch")), mended + n
    os.unlink(rc.name)
    print(f"{good} of {len(sources)} sources as they should be, {mended} findings mended")
    sys.exit(good != len(sources))


main()
