"""Holds what steps/supply/parts reads from lock files against what osv-scalibr's own tests
expect of the same files.

    bench/locks.py CHECKOUT

CHECKOUT is a copy of osv-scalibr's source (measured: c2094f2d); it need not be built. Each
of its test files is laid out under its lock file's name and read by bench/locks. Printed
are the packages that it expects and we do not have, then one line of totals (21 of 686
missed). Each that remains is meant to: twelve of the same tree (file:, link:, PATH,
workspaces, replace by a folder), whose own files are read where they lie and of which no
advisory tells; six ranges of requirements.txt and pom.xml, which are taken for their
lowest version there and stay open here, since another may be installed; one line that
pip refuses; two that another file says (-r, a parent's pom.xml), since each is read by
itself here.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

NAMES = {
    "javascript/packagelockjson": "package-lock.json", "javascript/pnpmlock": "pnpm-lock.yaml", "javascript/yarnlock": "yarn.lock", "javascript/bunlock": "bun.lock",
    "python/poetrylock": "poetry.lock", "python/pipfilelock": "Pipfile.lock", "python/pdmlock": "pdm.lock", "python/uvlock": "uv.lock", "python/pylock": "pylock.toml",
    "golang/gomod": "go.mod", "ruby/gemfilelock": "Gemfile.lock", "rust/cargolock": "Cargo.lock", "java/gradlelockfile": "gradle.lockfile", "php/composerlock": "composer.lock",
    "dotnet/packageslockjson": "packages.lock.json", "python/requirements": "requirements.txt", "java/pomxml": "pom.xml",
}


def expected(tests):
    """Yields each test file of a *_test.go with the packages it is expected to hold."""
    pieces = re.split(r'\b[Pp]ath:\s*"testdata/([^"]+)",\n', tests)
    for path, body in zip(pieces[1::2], pieces[2::2]):
        body = body.split("\nfunc ")[0]  # what comes after is of files that a test writes itself
        if re.search(r"WantErr:\s*[^n]", body.split("WantPackages")[0]):
            continue
        yield path, re.findall(r'Name:\s*"([^"]+)",\s*(?:Version:\s*"([^"]*)",\s*)?(?=PURLType:)', body)


def spelt(kind, name):
    return re.sub(r"[-_.]+", "-", name.lower()) if kind.startswith("python/") else name.lower()


def main():
    language = Path(sys.argv[1]) / "extractor" / "filesystem" / "language"
    if not language.is_dir():
        sys.exit(f"{sys.argv[1]} is no copy of osv-scalibr: it has no extractor/filesystem/language")
    with tempfile.TemporaryDirectory() as work:
        for kind, name in NAMES.items():
            data = language / kind / "testdata"
            for file in data.rglob("*"):
                if file.is_file():
                    beside = file.suffix == ".sum"  # of the go.mod of the same stem
                    to = Path(work) / kind / str((file.with_suffix(".mod") if beside else file).relative_to(data)).replace("/", "_")
                    to.mkdir(parents=True, exist_ok=True)
                    shutil.copy(file, to / ("go.sum" if beside else name))
        ours = json.loads(subprocess.run(["go", "run", "./bench/locks", work], cwd=Path(__file__).parent.parent, check=True, stdout=subprocess.PIPE).stdout)
    files = wanted = missed = 0
    for kind, name in NAMES.items():
        for tests in sorted((language / kind).glob("*_test.go")):
            for path, packages in expected(tests.read_text()):
                found = ours.get(f"{kind}/{path.replace('/', '_')}/{name}")
                if found is None:
                    continue
                have = {(spelt(kind, p.split("|")[1]), p.split("|")[2].removeprefix("v")) for p in found["packages"]}
                gone = sorted({(n, v) for n, v in packages if (spelt(kind, n), v.removeprefix("v")) not in have})
                files, wanted, missed = files + 1, wanted + len(packages), missed + len(gone)
                if gone:
                    print(f"{kind}/{path}: {', '.join(n + ' ' + v for n, v in gone)}")
    print(f"{files} files, {wanted} packages expected, {missed} not found")


main()
