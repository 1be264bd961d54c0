"""Writes steps/supply/modelfile/tfops.txt: the operators that TensorFlow itself has. One that
is not among them needs a library of somebody's to be loaded.

    python tfops.py > tfops.txt

Run in the environment of tensorflow.txt.
"""
import tensorflow as tf
from tensorflow.core.framework import op_def_pb2
from tensorflow.python.client import pywrap_tf_session

ops = op_def_pb2.OpList()
ops.ParseFromString(pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList()))
print("# The operators of TensorFlow %s; test/modelfiles/tfops.py writes it." % tf.__version__)
print("\n".join(sorted({o.name for o in ops.op} | {n for n in dir(tf.raw_ops) if n[0].isupper()})))
