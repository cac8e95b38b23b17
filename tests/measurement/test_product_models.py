"""Models of products are what they say: runtimes compute them in the precision that their rate is noted under."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import onnx
import pytest

from inferspeed_magic.measurement.product_models import write_products
from inferspeed_magic.runtimes.base import Lowering
from inferspeed_magic.runtimes.onnxruntime import OnnxRuntime


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("products"))
    return write_products({}, folder=folder, precisions=["float32", "int8"])


def test_operations_are_those_of_the_graph(models):
    """Two for each multiply-accumulate, counted here from the weights."""
    for model in models:
        graph = onnx.load(model["path"]).graph
        weights = {each.name.removesuffix("_int8"): list(each.dims) for each in graph.initializer if len(each.dims) > 1}
        if "Conv" in model["kernel"]:
            places = model["shape"][0] * model["shape"][2] * model["shape"][3]
        else:
            places = model["shape"][0]
        assert model["operations"] == 2.0 * places * sum(map(math.prod, weights.values()))


def test_both_precisions_compute_about_the_same(models):
    """Quantized, of course; but values neither vanish nor saturate."""
    by_kernel = {}
    for model in models:
        lowering = Lowering(threads=1, batch_size=model["shape"][0])
        session = OnnxRuntime().compile(OnnxRuntime().load(model["path"], lowering), lowering)
        values = np.random.default_rng(0).standard_normal(model["shape"]).astype(np.float32)
        (by_kernel.setdefault(model["kernel"], {})[model["precision"]],) = session.run([values])
    for outputs in by_kernel.values():
        assert np.corrcoef(outputs["float32"].ravel(), outputs["int8"].ravel())[0, 1] > 0.95
        assert 0.1 < outputs["float32"].std() < 10


def test_onnxruntime_fuses_what_is_quantized_into_kernels_of_int8(models, tmp_path):
    import onnxruntime

    for model in models:
        if model["precision"] == "int8":
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 3
            options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
            onnxruntime.InferenceSession(model["path"], options)
            kinds = Counter(node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node)
            assert kinds["QLinearConv"] + kinds["QLinearMatMul"] == 4, kinds


def test_openvino_computes_in_int8(models):
    openvino = pytest.importorskip("openvino")
    for model in models:
        compiled = openvino.Core().compile_model(model["path"], "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        products = [
            node.get_rt_info()["runtimePrecision"].astype(str)
            for node in compiled.get_runtime_model().get_ops()
            if node.get_rt_info()["layerType"].astype(str) in {"Convolution", "FullyConnected"}
        ]
        assert len(products) == 4
        assert set(products) <= ({"f32"} if model["precision"] == "float32" else {"u8", "i8"})
