"""Steps of techniques that break."""

from __future__ import annotations

import os


def die(state, **arguments):
    os.abort()


def poison(state, *, source, target, batch_size, inputs):
    import numpy as np
    import onnx
    from onnx import numpy_helper

    model = onnx.load(source)
    for each in model.graph.initializer:
        values = numpy_helper.to_array(each)
        if values.dtype == np.float32:
            each.CopyFrom(numpy_helper.from_array(np.full_like(values, np.nan), each.name))
    onnx.save(model, target)
