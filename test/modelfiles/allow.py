"""Writes steps/supply/modelfile/pickle/frameworks.txt: the classes that pickles of
scikit-learn, scipy, torch, torchvision, xgboost and lightgbm hold.

    python allow.py TORCH_PYTHON > frameworks.txt

Run in the environment of requirements.txt; TORCH_PYTHON is an interpreter of the
environment of torch.txt. Only classes that keep parameters are listed (estimators,
modules, optimisers, kernels, losses), under the module that defines them: a class
is allowed because its base says what making it does, not because of where it lies.
"""
import importlib, importlib.util, inspect, json, pkgutil, subprocess, sys, warnings

warnings.filterwarnings("ignore")
SKIP = ("tests", "test", "conftest", "externals", "datasets", "experimental", "setup", "bench", "cli", "onnx", "_dynamo", "_inductor", "distributed", "testing", "dask", "spark", "plotting", "rabit", "hub", "torch_hub")
OLD = {  # modules that older releases kept the same classes in
    "sklearn.linear_model._logistic": ["sklearn.linear_model.logistic"], "sklearn.linear_model._base": ["sklearn.linear_model.base"],
    "sklearn.ensemble._forest": ["sklearn.ensemble.forest"], "sklearn.ensemble._gb": ["sklearn.ensemble.gradient_boosting"],
    "sklearn.tree._classes": ["sklearn.tree.tree"], "sklearn.preprocessing._data": ["sklearn.preprocessing.data"],
    "sklearn.preprocessing._label": ["sklearn.preprocessing.label"], "sklearn.svm._classes": ["sklearn.svm.classes"],
    "sklearn.neighbors._classification": ["sklearn.neighbors.classification"], "sklearn.decomposition._pca": ["sklearn.decomposition.pca"],
    "sklearn.cluster._kmeans": ["sklearn.cluster.k_means_"], "sklearn.linear_model._stochastic_gradient": ["sklearn.linear_model.stochastic_gradient"],
    "sklearn.compose._column_transformer": ["sklearn.compose.column_transformer"], "scipy.sparse._csr": ["scipy.sparse.csr"],
    "scipy.sparse._csc": ["scipy.sparse.csc"], "scipy.sparse._coo": ["scipy.sparse.coo"], "scipy.sparse._lil": ["scipy.sparse.lil"],
    "scipy.sparse._dok": ["scipy.sparse.dok"], "scipy.sparse._bsr": ["scipy.sparse.bsr"], "scipy.sparse._dia": ["scipy.sparse.dia"],
}


def walk(root):
    package = importlib.import_module(root)
    yield package
    for info in pkgutil.walk_packages(package.__path__, root + ".", onerror=lambda n: None):
        if any(part in SKIP for part in info.name.split(".")[1:]):
            continue
        try:
            yield importlib.import_module(info.name)
        except BaseException:
            continue


def classes(root, wanted):
    out = {}
    for module in walk(root):
        for name, thing in list(vars(module).items()):
            if inspect.isclass(thing) and thing.__name__ == name and (thing.__module__ or "").split(".")[0] == root.split(".")[0] and wanted(thing):
                if any(part in SKIP for part in thing.__module__.split(".")[1:]):
                    continue
                out.setdefault(thing.__module__, set()).add(name)
    return out


def functions(*modules):
    out = {}
    for name in modules:
        module = importlib.import_module(name)
        out[name] = {n for n, f in vars(module).items() if inspect.isfunction(f) and f.__module__ == name and not n.startswith("_")}
    return out


def written(package, folder, fits):
    """Classes that a package's source defines, without importing it: whole model zoos take minutes to."""
    import ast, importlib.util, pathlib
    base = pathlib.Path(importlib.util.find_spec(package).submodule_search_locations[0])
    out = {}
    for path in sorted((base / folder).rglob("*.py")):
        if not fits(path.name):
            continue
        tree = ast.parse(path.read_text())
        # What has a way of its own of being made again is for a person to read.
        names = {c.name for c in tree.body if isinstance(c, ast.ClassDef) and not any(isinstance(f, ast.FunctionDef) and f.name in ("__reduce__", "__reduce_ex__", "__setstate__", "__new__") for f in c.body)}
        if names:
            out[".".join((package, *path.relative_to(base).with_suffix("").parts))] = names
    return out


def torch_part():
    import torch, torch.nn as nn, torch.optim as optim, torchvision
    from torch import _weights_only_unpickler as w
    schedulers = (optim.lr_scheduler.LRScheduler,)
    parts = {
        "new torch's modules, optimisers and schedulers: the state becomes attributes": classes("torch.nn", lambda c: issubclass(c, nn.Module)) | {},
        "new torch's optimisers and schedulers": classes("torch.optim", lambda c: issubclass(c, (optim.Optimizer,) + schedulers)),
        "new torchvision's models and layers are modules of torch": classes("torchvision.models", lambda c: issubclass(c, nn.Module)),
        "new torchvision's operators as modules": classes("torchvision.ops", lambda c: issubclass(c, nn.Module)),
    }
    for why, package, folder, fits in (
        ("new models of transformers: modules of torch, and their configurations", "transformers", "models", lambda n: n.startswith(("modeling_", "configuration_")) and not n.startswith(("modeling_tf_", "modeling_flax_"))),
        ("new parts of ultralytics' models: modules of torch", "ultralytics", "nn", lambda n: True),
        ("new losses and settings that ultralytics' models keep", "ultralytics", "utils", lambda n: n in ("loss.py", "tal.py")),
    ):
        if importlib.util.find_spec(package):
            parts[why] = written(package, folder, fits)
    safe = {}
    for name, thing in w._get_allowed_globals().items():
        module, _, attribute = name.rpartition(".")
        # What calls a function it is handed has a guard of its own.
        if module.split(".")[0] == "torch" and not attribute.startswith("_rebuild_from_type"):
            safe.setdefault(module, set()).add(attribute)
    parts["torch's own weights-only loader allows them"] = safe
    print(json.dumps({why: {m: sorted(n) for m, n in part.items()} for why, part in parts.items()}))


def main():
    from sklearn.base import BaseEstimator
    import lightgbm, scipy.sparse, xgboost

    def helper(c):
        m = c.__module__
        return m.startswith(("sklearn._loss", "sklearn.gaussian_process.kernels", "sklearn.metrics._dist_metrics", "sklearn.tree._", "sklearn.neighbors._", "sklearn.utils._bunch", "sklearn.neural_network._stochastic_optimizers", "sklearn.ensemble._hist_gradient_boosting", "sklearn.linear_model._sgd_fast", "sklearn.calibration", "sklearn.base", "sklearn.utils._metadata_requests", "sklearn.metrics._scorer", "sklearn.model_selection._split", "sklearn.utils._tags", "sklearn.ensemble._gb_losses"))

    parts = {
        "new scikit-learn's estimators: constructors keep their parameters, the state becomes attributes": classes("sklearn", lambda c: issubclass(c, BaseEstimator)),
        "what scikit-learn's fitted estimators hold: trees, distances, losses, kernels": classes("sklearn", helper),
        "scipy's sparse matrices": {"scipy.sparse._" + k: {f"{k}_matrix", f"{k}_array"} for k in ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")},
        "new xgboost's estimators": classes("xgboost", lambda c: issubclass(c, BaseEstimator)),
        "new lightgbm's estimators": classes("lightgbm", lambda c: issubclass(c, BaseEstimator)),
        "ref functions that estimators and scorers keep: they compute on arrays": functions("sklearn.metrics._classification", "sklearn.metrics._regression", "sklearn.metrics._ranking", "sklearn.feature_selection._univariate_selection", "sklearn.feature_selection._mutual_info", "sklearn.metrics.pairwise", "sklearn.preprocessing._data"),
        "functions by which compiled classes are made again; they take the class from an allowed global": {},
        "scipy's distributions and interpolators": {"scipy.stats._distn_infrastructure": {"rv_continuous_frozen", "rv_discrete_frozen"}, "scipy.interpolate._interpolate": {"interp1d"}, "scipy.interpolate._bsplines": {"BSpline"}, "scipy.special": {"expit", "logit"}, "scipy.special._ufuncs": {"expit", "logit"}, "scipy.spatial._ckdtree": {"cKDTree"}, "scipy.spatial._kdtree": {"KDTree"}},
    }
    again = parts["functions by which compiled classes are made again; they take the class from an allowed global"]
    for module in walk("sklearn"):
        for name in vars(module):
            if name.startswith("__pyx_unpickle_") or name == "newObj":
                again.setdefault(module.__name__, set()).add(name)
    for module, olds in OLD.items():
        for part in parts.values():
            for old in olds:
                if module in part:
                    part.setdefault(old, set()).update(part[module])
    parts |= {why: {m: set(n) for m, n in part.items()} for why, part in json.loads(subprocess.check_output([sys.argv[1], __file__, "torch"]).splitlines()[-1]).items()}
    print("# Written by test/modelfiles/allow.py from the frameworks themselves; the reasons are its groups'.")
    for why, part in parts.items():
        if part:
            print("\n## " + why)
            for module in sorted(part):
                print(module, *sorted(part[module]))


if __name__ == "__main__":
    torch_part() if sys.argv[1:] == ["torch"] else main()
