"""Makes benign model files with the frameworks themselves.

    python benign.py OUT
"""
import gzip, io, json, lzma, bz2, os, pickle, shutil, sys, tarfile, warnings, zipfile
import numpy as np
from sample import attempt, benign, write

warnings.filterwarnings("ignore")
rng = np.random.default_rng(7)
X = rng.normal(size=(80, 4))
y = (X[:, 0] > 0).astype(int)


def dump(kind, name, thing, proto=4):
    with open(benign(kind, name), "wb") as f:
        pickle.dump(thing, f, protocol=proto)


def plain():
    import collections, datetime, decimal, pathlib, uuid, fractions, enum
    for p in range(6):
        dump("pickle-plain", f"data{p}.pkl", {"a": [1, 2.5, None, True], "b": ("x", b"y"), "c": {1, 2}, "d": 1 << 200, "e": frozenset("ab")}, p)
        dump("pickle-plain", f"std{p}.pkl", [collections.OrderedDict(a=1), collections.Counter("abca"), collections.defaultdict(list, {"a": [1]}), collections.deque([1, 2]), datetime.datetime(2026, 1, 1), datetime.timedelta(1), decimal.Decimal("1.5"), pathlib.PurePosixPath("a/b"), uuid.UUID(int=5), fractions.Fraction(1, 3), slice(1, 2), range(4), complex(1, 2), bytearray(b"x")], p)
        dump("pickle-numpy", f"array{p}.pkl", {"w": rng.normal(size=(4, 5)), "i": np.arange(5), "s": np.float64(2.5), "t": np.dtype("f4"), "u": np.array(["a", "bb"]), "o": np.array([1, "x", None], dtype=object), "st": np.zeros(3, dtype=[("a", "f4"), ("b", "i8")]), "d": np.array("2026-01-01", dtype="M8[D]"), "m": np.ma.masked_array([1, 2], [0, 1]), "r": np.random.RandomState(3), "g": np.random.default_rng(4)}, p)
    dump("pickle-plain", "words.pkl", {"merges": ["os system", "c os", "import subprocess"], "vocab": {f"tok{i}": i for i in range(2000)}})
    dump("pickle-plain", "text.pickle", "cos\nsystem\n is how a payload starts, says this text")
    write(benign("pickle-plain", "several.pkl"), b"".join(pickle.dumps(i) for i in range(5)))


def estimators():
    from sklearn import linear_model, ensemble, svm, neighbors, naive_bayes, tree, cluster, decomposition, preprocessing, pipeline, compose, feature_extraction, neural_network, gaussian_process, calibration, model_selection, impute, feature_selection, mixture, isotonic, discriminant_analysis, covariance, kernel_approximation, manifold
    import joblib
    models = {
        "logistic": linear_model.LogisticRegression(), "ridge": linear_model.Ridge(), "sgd": linear_model.SGDClassifier(), "lasso": linear_model.LassoCV(cv=3),
        "forest": ensemble.RandomForestClassifier(5), "extra": ensemble.ExtraTreesRegressor(5), "gb": ensemble.GradientBoostingClassifier(n_estimators=5), "hist": ensemble.HistGradientBoostingClassifier(max_iter=5), "ada": ensemble.AdaBoostClassifier(n_estimators=3), "iforest": ensemble.IsolationForest(n_estimators=5),
        "svc": svm.SVC(probability=False), "linearsvc": svm.LinearSVC(), "knn": neighbors.KNeighborsClassifier(), "kd": neighbors.KDTree(X), "nb": naive_bayes.GaussianNB(), "tree": tree.DecisionTreeClassifier(),
        "kmeans": cluster.KMeans(2, n_init=1), "dbscan": cluster.DBSCAN(), "pca": decomposition.PCA(2), "nmf": preprocessing.MinMaxScaler(), "scaler": preprocessing.StandardScaler(), "onehot": preprocessing.OneHotEncoder(), "quantile": preprocessing.QuantileTransformer(n_quantiles=10), "poly": preprocessing.PolynomialFeatures(),
        "pipe": pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression()), "columns": compose.ColumnTransformer([("a", preprocessing.StandardScaler(), [0, 1]), ("b", "passthrough", [2])]),
        "mlp": neural_network.MLPClassifier((5,), max_iter=20), "gp": gaussian_process.GaussianProcessClassifier(gaussian_process.kernels.RBF() + gaussian_process.kernels.WhiteKernel()), "calibrated": calibration.CalibratedClassifierCV(svm.LinearSVC(), cv=2), "grid": model_selection.GridSearchCV(linear_model.LogisticRegression(), {"C": [0.1, 1]}, cv=2),
        "impute": impute.SimpleImputer(), "select": feature_selection.SelectKBest(k=2), "mixture": mixture.GaussianMixture(n_components=2), "lda": discriminant_analysis.LinearDiscriminantAnalysis(), "cov": covariance.EllipticEnvelope(), "nystroem": kernel_approximation.Nystroem(n_components=5), "log1p": preprocessing.FunctionTransformer(np.log1p), "voting": ensemble.VotingClassifier([("a", linear_model.LogisticRegression()), ("b", tree.DecisionTreeClassifier())]), "iso": isotonic.IsotonicRegression(),
    }
    for i, (name, m) in enumerate(models.items()):
        try:
            if name == "iso":
                m.fit(X[:, 0], y)
            elif hasattr(m, "fit"):
                m.fit(X, y)
        except Exception as e:
            print(name, e, file=sys.stderr)
        dump("sklearn-pickle", name + ".pkl", m, (2, 3, 4, 5)[i % 4])
        joblib.dump(m, benign("sklearn-joblib", name + ".joblib"), compress=(0, 3, "gzip", "bz2", "xz", "lzma", "lz4", ("zlib", 9))[i % 8])
    text = pipeline.make_pipeline(feature_extraction.text.TfidfVectorizer(), linear_model.LogisticRegression()).fit(["red green", "blue black"] * 5, [0, 1] * 5)
    joblib.dump(text, benign("sklearn-joblib", "text.joblib"))
    joblib.dump({"big": np.zeros((300, 400)), "obj": np.array([{"a": 1}, None], dtype=object), "view": np.arange(20).reshape(4, 5).T, "str": np.array(["a", "bcd"]), "empty": np.zeros((0, 3)), "struct": np.zeros(4, dtype=[("a", "f4"), ("b", "i8")])}, benign("sklearn-joblib", "arrays.joblib"))
    import skops.io as sio
    for name in ("logistic", "forest", "pipe", "columns", "kmeans", "gb", "scaler", "mlp"):
        sio.dump(models[name], benign("skops", name + ".skops"))


def numpy_files():
    np.save(benign("npy", "float.npy"), X)
    np.save(benign("npy", "int.npy"), np.arange(10))
    np.save(benign("npy", "struct.npy"), np.zeros(3, dtype=[("Open", "f4"), ("Oval", "i8")]))
    np.save(benign("npy", "object.npy"), np.array([1, "x"], dtype=object), allow_pickle=True)
    np.save(benign("npy", "text.npy"), np.array(["abc", "OO"]))
    np.savez(benign("npz", "a.npz"), a=X, b=y)
    np.savez_compressed(benign("npz", "b.npz"), a=X, o=np.array([None, 1], dtype=object))


def frames():
    import pandas as pd
    df = pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": pd.to_datetime(["2026-01-01", "2026-01-02"]), "d": pd.Categorical(["u", "v"])})
    dump("pandas", "frame.pkl", df)
    dump("pandas", "series.pkl", df["a"])
    dump("pandas", "index.pkl", df.set_index(["a", "b"]))
    df.to_pickle(benign("pandas", "zipped.pkl.gz"))
    # Texts lie in pyarrow's memory where that is installed, and in Python's own else.
    with pd.option_context("mode.string_storage", "python"):
        dump("pandas", "python.pkl", pd.DataFrame({"b": pd.Series(["x", None], dtype="string")}))
    dump("pandas", "arrow.pkl", pd.Series([1, None], dtype="int64[pyarrow]"))
    df.to_csv(benign("tables", "frame.csv"))
    dump("pandas", "times.pkl", pd.date_range("2026-01-01", periods=4))


def boosters():
    import xgboost as xgb, lightgbm as lgb
    m = xgb.XGBClassifier(n_estimators=3).fit(X, y)
    m.save_model(benign("xgboost", "model.json"))
    m.save_model(benign("xgboost", "model.ubj"))
    dump("xgboost", "model.pkl", m)
    dump("xgboost", "booster.pkl", m.get_booster())
    g = lgb.LGBMClassifier(n_estimators=3, verbose=-1).fit(X, y)
    g.booster_.save_model(benign("lightgbm", "model.txt"))
    dump("lightgbm", "model.pkl", g)
    from catboost import CatBoostClassifier
    c = CatBoostClassifier(iterations=3, verbose=0, allow_writing_files=False).fit(X, y)
    c.save_model(benign("catboost", "model.cbm"))
    c.save_model(benign("catboost", "model.json"), format="json")
    dump("catboost", "model.pkl", c)


def safetensors_files():
    from safetensors.numpy import save_file
    save_file({"a": X, "b": np.arange(6, dtype=np.int64).reshape(2, 3)}, benign("safetensors", "a.safetensors"))
    save_file({"w": X.astype(np.float16)}, benign("safetensors", "meta.safetensors"), metadata={"format": "pt", "description": "a model that imports nothing", "url": "https://example.org/model"})
    save_file({}, benign("safetensors", "empty.safetensors"))
    save_file({"z": np.zeros((0, 4), dtype=np.float32), "o": np.ones(3, dtype=np.uint8)}, benign("safetensors", "zero.safetensors"))


CHATML = "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
LLAMA = "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}"
TOOLS = "{%- if tools %}{{- '<|im_start|>system\\n' }}{%- for tool in tools %}{{- \"\\n\" }}{{- tool | tojson }}{%- endfor %}{%- endif %}{%- set ns = namespace(multi_step_tool=true, last=messages|length - 1) %}{%- for message in messages[::-1] %}{%- set index = (messages|length - 1) - loop.index0 %}{%- if message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}{%- set ns.last = index %}{%- endif %}{%- endfor %}{%- if message.reasoning_content is defined %}{%- set content = message.content.split('</think>')[-1].lstrip('\\n') %}{%- endif %}{{ raise_exception('no') if false }}{{ strftime_now('%d %b %Y') }}"


def ggufs():
    import gguf
    for i, (arch, template) in enumerate([("llama", CHATML), ("qwen2", TOOLS), ("gpt2", None), ("mistral", LLAMA)]):
        w = gguf.GGUFWriter(benign("gguf", f"{arch}.gguf"), arch)
        w.add_name("tiny"); w.add_context_length(128); w.add_embedding_length(8); w.add_block_count(1)
        w.add_tokenizer_model("gpt2"); w.add_token_list([f"t{k}" for k in range(500)]); w.add_token_types([1] * 500)
        if template:
            w.add_chat_template(template)
        w.add_tensor("token_embd.weight", X.astype(np.float32))
        w.add_tensor("blk.0.w", rng.normal(size=(32, 64)).astype(np.float16))
        if i == 1:
            w.add_tensor("q", gguf.quants.quantize(rng.normal(size=(4, 64)).astype(np.float32), gguf.GGMLQuantizationType.Q8_0), raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        w.write_header_to_file(); w.write_kv_data_to_file(); w.write_tensors_to_file(); w.close()


def onnx_files():
    import onnx
    from onnx import helper, numpy_helper, TensorProto as T
    def model(nodes, inits=(), **kw):
        g = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", T.FLOAT, [None, 4])], [helper.make_tensor_value_info("y", T.FLOAT, None)], list(inits))
        return helper.make_model(g, **kw)
    onnx.save(model([helper.make_node("Relu", ["x"], ["y"])]), benign("onnx", "relu.onnx"))
    onnx.save(model([helper.make_node("MatMul", ["x", "w"], ["y"])], [numpy_helper.from_array(rng.normal(size=(4, 3)).astype(np.float32), "w")]), benign("onnx", "matmul.onnx"))
    then = helper.make_graph([helper.make_node("Identity", ["x"], ["t"])], "then", [], [helper.make_tensor_value_info("t", T.FLOAT, None)])
    onnx.save(model([helper.make_node("If", ["c"], ["y"], then_branch=then, else_branch=then)], [numpy_helper.from_array(np.array(True), "c")]), benign("onnx", "if.onnx"))
    m = model([helper.make_node("MatMul", ["x", "w"], ["y"])], [numpy_helper.from_array(rng.normal(size=(4, 3000)).astype(np.float32), "w")])
    folder = benign("onnx", "external"); os.makedirs(folder, exist_ok=True)
    onnx.save(m, os.path.join(folder, "model.onnx"), save_as_external_data=True, location="weights.onnx.data", size_threshold=10)
    onnx.save(model([helper.make_node("Gelu", ["x"], ["y"], domain="com.microsoft")], opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]), benign("onnx", "microsoft.onnx"))
    f = helper.make_function("own", "Double", ["a"], ["b"], [helper.make_node("Add", ["a", "a"], ["b"])], [helper.make_opsetid("", 18)])
    onnx.save(model([helper.make_node("Double", ["x"], ["y"], domain="own")], functions=[f], opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]), benign("onnx", "function.onnx"))
    from skl2onnx import to_onnx
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    for name, e in (("forest", RandomForestClassifier(3)), ("logistic", LogisticRegression())):
        write(benign("onnx", name + ".onnx"), to_onnx(e.fit(X, y), X[:1].astype(np.float32)).SerializeToString())


def hdf5_files():
    import h5py
    with h5py.File(benign("hdf5", "weights.h5"), "w") as f:
        f.create_dataset("a/b/w", data=X); f.attrs["note"] = "weights only"; f["link"] = h5py.SoftLink("/a/b")
    with h5py.File(benign("hdf5", "latest.h5"), "w", libver="latest") as f:
        for i in range(50):
            f.create_dataset(f"g/d{i}", data=X, compression="gzip"); f.attrs[f"k{i}"] = "v"
    with h5py.File(benign("hdf5", "userblock.h5"), "w", userblock_size=512) as f:
        f.create_dataset("w", data=X)
    config = {"class_name": "Sequential", "config": {"name": "sequential", "layers": [{"class_name": "InputLayer", "config": {"batch_input_shape": [None, 4], "dtype": "float32", "name": "in"}}, {"class_name": "Dense", "config": {"name": "dense", "units": 3, "activation": "relu", "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": None}}}}, {"class_name": "Dropout", "config": {"rate": 0.2}}]}}
    with h5py.File(benign("keras-h5", "keras2.h5"), "w") as f:
        f.attrs["model_config"] = json.dumps(config).encode(); f.attrs["keras_version"] = b"2.11.0"; f.attrs["backend"] = b"tensorflow"
        f.attrs["training_config"] = json.dumps({"loss": "mse", "metrics": ["mae"], "optimizer_config": {"class_name": "Adam", "config": {"name": "Adam", "learning_rate": 0.001}}}).encode()
        f.create_dataset("model_weights/dense/kernel:0", data=X)
    write(benign("keras-json", "architecture.json"), json.dumps(config))


def r_files():
    import pyreadr, pandas as pd
    df = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    pyreadr.write_rds(benign("r", "frame.rds"), df)
    pyreadr.write_rdata(benign("r", "frame.RData"), df, df_name="d")
    pyreadr.write_rds(benign("r", "packed.rds"), df, compress="gzip")


def openvino_files():
    import openvino as ov
    from openvino import opset13 as op
    for n in (3, 5):
        x = op.parameter([1, 4], dtype=np.float32)
        m = ov.Model([op.relu(op.matmul(x, op.constant(rng.normal(size=(4, n)).astype(np.float32)), False, False))], [x], "m")
        folder = benign("openvino", f"model{n}"); os.makedirs(folder, exist_ok=True)
        ov.save_model(m, os.path.join(folder, "model.xml"))


def coreml_files():
    from coremltools.proto import Model_pb2
    for name in ("regressor", "pipeline"):
        m = Model_pb2.Model(); m.specificationVersion = 4
        m.description.metadata.shortDescription = "tiny"
        if name == "regressor":
            m.glmRegressor.weights.add().value.extend([1.0, 2.0]); m.glmRegressor.offset.append(0)
        else:
            inner = m.pipeline.models.add(); inner.specificationVersion = 4; inner.glmRegressor.offset.append(1)
        write(benign("coreml", name + ".mlmodel"), m.SerializeToString())
    from coremltools.models import datatypes
    from coremltools.models.neural_network import NeuralNetworkBuilder
    b = NeuralNetworkBuilder([("x", datatypes.Array(4))], [("y", datatypes.Array(3))])
    b.add_inner_product("ip", rng.normal(size=(3, 4)), np.zeros(3), 4, 3, True, "x", "y")
    write(benign("coreml", "network.mlmodel"), b.spec.SerializeToString())


def paddle_files():
    import paddle
    paddle.save({"w": paddle.to_tensor(X)}, benign("paddle", "weights.pdparams"))
    net = paddle.nn.Linear(4, 2)
    paddle.save(net.state_dict(), benign("paddle", "linear.pdparams"))
    paddle.enable_static()
    main, start = paddle.static.Program(), paddle.static.Program()
    with paddle.static.program_guard(main, start):
        x = paddle.static.data("x", [None, 4], "float32"); out = paddle.static.nn.fc(x, 2)
    exe = paddle.static.Executor(paddle.CPUPlace()); exe.run(start)
    folder = benign("paddle", "inference"); os.makedirs(folder, exist_ok=True)
    paddle.static.save_inference_model(os.path.join(folder, "model"), [x], [out], exe, program=main)


def words():
    from gensim.models import Word2Vec
    m = Word2Vec([["a", "b", "c"], ["b", "c", "d"]] * 10, vector_size=8, min_count=1)
    m.save(benign("gensim", "w2v.model"))
    m.wv.save_word2vec_format(benign("gensim", "vectors.txt"))
    m.wv.save(benign("gensim", "vectors.kv"))


def folders():
    import yaml
    base = benign("hf", "llama"); os.makedirs(base, exist_ok=True)
    from safetensors.numpy import save_file
    save_file({"w": X}, base + "/model.safetensors", metadata={"format": "pt"})
    write(base + "/config.json", json.dumps({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 8, "torch_dtype": "float16", "rope_scaling": None}))
    write(base + "/generation_config.json", json.dumps({"temperature": 0.6, "do_sample": True}))
    write(base + "/tokenizer_config.json", json.dumps({"chat_template": TOOLS, "tokenizer_class": "PreTrainedTokenizerFast", "added_tokens_decoder": {"0": {"content": "<s>"}}}))
    write(base + "/tokenizer.json", json.dumps({"version": "1.0", "model": {"type": "BPE", "vocab": {f"t{i}": i for i in range(300)}, "merges": ["i mport", "o s"]}}))
    write(base + "/special_tokens_map.json", json.dumps({"eos_token": "</s>"}))
    write(base + "/model.safetensors.index.json", json.dumps({"metadata": {"total_size": 10}, "weight_map": {"w": "model.safetensors"}}))
    write(base + "/README.md", "---\nlicense: mit\n---\n# A model\n`pip install x`\n\n```python\nimport os\nos.system('ls')\n```\n")
    write(base + "/merges.txt", "#version: 0.2\ni n\nc at\n(x y\n")
    write(base + "/vocab.json", json.dumps({"a": 1}))
    write(base + "/chat_template.jinja", LLAMA)
    write(base + "/.gitattributes", "*.safetensors filter=lfs diff=lfs merge=lfs -text\n")
    for name, template in (("chatml", CHATML), ("llama3", LLAMA), ("tools", TOOLS)):
        write(benign("template", name + ".json"), json.dumps({"chat_template": template}))
    d = benign("hf", "diffusers"); os.makedirs(d, exist_ok=True)
    write(d + "/model_index.json", json.dumps({"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.30", "unet": ["diffusers", "UNet2DConditionModel"], "text_encoder": ["transformers", "CLIPTextModel"], "safety_checker": [None, None]}))
    m = benign("mlflow", "sklearn"); os.makedirs(m, exist_ok=True)
    write(m + "/MLmodel", yaml.safe_dump({"flavors": {"python_function": {"loader_module": "mlflow.sklearn", "model_path": "model.pkl", "python_version": "3.11", "env": {"conda": "conda.yaml"}}, "sklearn": {"pickled_model": "model.pkl", "serialization_format": "cloudpickle", "code": None}}, "model_uuid": "x", "utc_time_created": "2026-01-01"}))
    write(m + "/conda.yaml", "channels: [conda-forge]\ndependencies: [python=3.11, pip, {pip: [scikit-learn==1.5]}]\n")
    write(m + "/requirements.txt", "scikit-learn==1.5\n")
    from sklearn.linear_model import Ridge
    write(m + "/model.pkl", pickle.dumps(Ridge().fit(X, y)))
    write(benign("config", "hydra.yaml"), "model:\n  _target_: torch.nn.Linear\n  in_features: 4\ntrainer:\n  _target_: pytorch_lightning.Trainer\n  max_epochs: 3\n")
    write(benign("config", "training.yaml"), "a: &x {lr: 0.1}\nb: *x\nname: tiny\n---\nsecond: document\n")
    write(benign("config", "notebook.ipynb"), json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code", "source": ["print(1)"], "outputs": [], "metadata": {}, "execution_count": None}]}))
    nemo = io.BytesIO()
    with tarfile.open(fileobj=nemo, mode="w:gz") as t:
        for name, data in (("model_config.yaml", b"target: nemo.collections.asr.models.ctc_models.EncDecCTCModel\nencoder:\n  _target_: nemo.collections.asr.modules.ConvASREncoder\n"), ("vocab.txt", b"a\nb\n")):
            info = tarfile.TarInfo(name); info.size = len(data); t.addfile(info, io.BytesIO(data))
    write(benign("nemo", "tiny.nemo"), nemo.getvalue())


PMML = '<?xml version="1.0"?>\n<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header><Application name="x"/></Header><DataDictionary numberOfFields="1"><DataField name="a" optype="continuous" dataType="double"/></DataDictionary><RegressionModel functionName="regression"><MiningSchema><MiningField name="a"/></MiningSchema><RegressionTable intercept="1"><NumericPredictor name="a" coefficient="2"/></RegressionTable></RegressionModel></PMML>\n'


def others():
    write(benign("pmml", "regression.pmml"), PMML)
    write(benign("pmml", "utf16.pmml"), PMML.replace('<?xml version="1.0"?>', '<?xml version="1.0" encoding="UTF-16"?>').encode("utf-16"))
    z = benign("archive", "model.zip")
    with zipfile.ZipFile(z, "w", zipfile.ZIP_DEFLATED) as f:
        f.writestr("a/model.pkl", pickle.dumps({"a": 1})); f.writestr("README.txt", "hello"); f.writestr("config.json", "{}")
    with tarfile.open(benign("archive", "model.tar.gz"), "w:gz") as t:
        t.add(z, "inner/model.zip")
    import py7zr, lz4.frame, zstandard
    with py7zr.SevenZipFile(benign("archive", "model.7z"), "w") as f:
        f.writestr(pickle.dumps(list(range(1000))), "model.pkl"); f.writestr(b"text\n" * 1000, "read.txt")
    data = pickle.dumps({"w": X})
    for ext, pack in (("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress), ("lz4", lz4.frame.compress), ("zst", zstandard.compress)):
        write(benign("packed", "model.pkl." + ext), pack(data))
    write(benign("text", "labels.txt"), "cat\ndog\n(bird)\n")
    write(benign("text", "tokens.txt"), "c++ is\nnot a pickle\nR\n.\n")


def trainer():
    import transformers
    from types import SimpleNamespace
    dump("hf-args", "namespace.bin", __import__("argparse").Namespace(lr=0.1, name="x"))


for group in (plain, estimators, numpy_files, frames, boosters, safetensors_files, ggufs, onnx_files, hdf5_files, r_files, openvino_files, coreml_files, paddle_files, words, folders, others, trainer):
    attempt(group)
