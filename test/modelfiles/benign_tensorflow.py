"""Makes benign model files with TensorFlow and Keras.

    python benign_tensorflow.py OUT
"""
import os, warnings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
from sample import attempt, benign, write

warnings.filterwarnings("ignore")


def keras3():
    import keras
    from keras import layers
    m = keras.Sequential([keras.Input((4,)), layers.Dense(8, activation="relu"), layers.BatchNormalization(), layers.Dropout(0.1), layers.Dense(1)])
    m.save(benign("keras", "dense.keras")); m.save(benign("keras-h5", "dense.h5")); m.save_weights(benign("keras", "dense.weights.h5"))
    i = keras.Input((8, 8, 3)); o = layers.Dense(2)(layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, padding="same", kernel_regularizer="l2")(i)))
    keras.Model(i, o).save(benign("keras", "conv.keras"))
    a = keras.Input((4,)); b = layers.Dense(4)(a); keras.Model(a, layers.Add()([a, b])).save(benign("keras", "residual.keras"))
    t = keras.Input((5,)); e = layers.Embedding(10, 4)(t); keras.Model(t, layers.LSTM(3)(e)).save(benign("keras", "lstm.keras"))
    keras.Model(t, layers.LSTM(3)(e)).save(benign("keras-h5", "lstm.h5"))
    m.compile("adam", "mse", metrics=["mae"]); m.save(benign("keras", "compiled.keras"))


def lookups():
    import keras
    from keras import layers
    v = layers.StringLookup(vocabulary=["a", "b"])
    keras.Sequential([keras.Input((1,), dtype="string"), v, layers.Embedding(4, 2)]).save(benign("keras", "lookup.keras"))


def saved_models():
    import tensorflow as tf, keras
    for n in (1, 2, 3):
        m = keras.Sequential([keras.Input((4,)), keras.layers.Dense(n)])
        m.export(benign("savedmodel", f"dense{n}"), verbose=False)
    class M(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32)])
        def f(self, x):
            return tf.nn.relu(x) + tf.reduce_sum(x)
    tf.saved_model.save(M(), benign("savedmodel", "module"))
    v = tf.Variable(np.ones(3, np.float32))
    folder = benign("tf-checkpoint", "one"); os.makedirs(folder, exist_ok=True)
    tf.train.Checkpoint(v=v).save(os.path.join(folder, "ckpt"))
    g = tf.function(lambda x: x * 2).get_concrete_function(tf.TensorSpec([2], tf.float32)).graph.as_graph_def()
    write(benign("tf-graph", "frozen.pb"), g.SerializeToString())
    write(benign("tf-graph", "graph.pbtxt"), str(g))


def lite():
    import tensorflow as tf, keras
    for n, quantised in ((2, False), (3, True)):
        i = keras.Input((4,)); m = keras.Model(i, keras.layers.Dense(n, activation="relu")(i))
        folder = benign("unused", "m"); m.export(folder, verbose=False)
        c = tf.lite.TFLiteConverter.from_saved_model(folder)
        if quantised:
            c.optimizations = [tf.lite.Optimize.DEFAULT]
        write(benign("tflite", f"dense{n}.tflite"), c.convert())
        import shutil; shutil.rmtree(os.path.dirname(folder))


for group in (keras3, lookups, saved_models, lite):
    attempt(group)
