"""What people are told to do by hand: files made with the libraries' own defaults. Runs in a process of its own.

Usage: python benchmarks/common_advice.py MODEL.keras CALIBRATION.npy FOLDER WAY
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np


def _model(path: str) -> object:
    if path.endswith((".h5", ".hdf5")):
        import tf_keras

        return tf_keras.models.load_model(path, compile=False)
    import keras

    return keras.saving.load_model(path, compile=False)


def litert_default(model: object, _: np.ndarray, folder: Path) -> Path:
    """TFLiteConverter with Optimize.DEFAULT, from a SavedModel, as TensorFlow's guide has it."""
    import tensorflow as tf

    saved = str(folder / "saved")
    model.export(saved) if hasattr(model, "export") else tf.saved_model.save(model, saved)
    converter = tf.lite.TFLiteConverter.from_saved_model(saved)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    target = folder / "default.tflite"
    target.write_bytes(converter.convert())
    return target


def onnx_float(model: object, _: np.ndarray, folder: Path) -> Path:
    """tf2onnx from the model's function, any batch."""
    import tensorflow as tf
    import tf2onnx

    target = folder / "float.onnx"
    shape = model.inputs[0].shape
    spec = tf.TensorSpec((None, *shape[1:]), model.inputs[0].dtype, name="x")
    function = tf.function(lambda x: model(x, training=False), input_signature=[spec])
    tf2onnx.convert.from_function(function, input_signature=[spec], opset=17, output_path=str(target))
    return target


def onnx_dynamic(model: object, samples: np.ndarray, folder: Path) -> Path:
    """quantize_dynamic with its defaults."""
    from onnxruntime.quantization import quantize_dynamic

    target = folder / "dynamic.onnx"
    quantize_dynamic(str(onnx_float(model, samples, folder)), str(target))
    return target


def onnx_static(model: object, samples: np.ndarray, folder: Path) -> Path:
    """quantize_static with its defaults."""
    from onnxruntime.quantization import CalibrationDataReader, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self._left = iter(samples[:100])

        def get_next(self) -> dict[str, np.ndarray] | None:
            sample = next(self._left, None)
            return None if sample is None else {"x": sample[None]}

    target = folder / "static.onnx"
    quantize_static(str(onnx_float(model, samples, folder)), str(target), Reader())
    return target


def openvino_nncf(model: object, samples: np.ndarray, folder: Path) -> Path:
    """nncf.quantize with its defaults, on what openvino makes of the ONNX file."""
    import nncf
    import openvino

    converted = openvino.convert_model(str(onnx_float(model, samples, folder)))
    converted.reshape([1, *samples.shape[1:]])
    quantized = nncf.quantize(converted, nncf.Dataset([sample[None] for sample in samples[:300]]))
    target = folder / "nncf.xml"
    openvino.save_model(quantized, str(target))
    return target


WAYS = {
    "TFLite Optimize.DEFAULT": (litert_default, "litert"),
    "ORT float32": (onnx_float, "onnxruntime"),
    "ORT dynamic int8": (onnx_dynamic, "onnxruntime"),
    "ORT static int8": (onnx_static, "onnxruntime"),
    "OpenVINO + NNCF": (openvino_nncf, "openvino"),
}


if __name__ == "__main__":
    _, model_file, samples_file, folder_name, way = sys.argv
    print("made", WAYS[way][0](_model(model_file), np.load(samples_file), Path(folder_name)))
