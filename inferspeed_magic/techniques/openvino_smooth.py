"""SmoothQuant, for OpenVINO: https://docs.openvino.ai/2025/openvino-workflow/model-optimization.html ."""

from __future__ import annotations

from typing import Any

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.techniques.openvino_files import opened, save


def smooth(
    state: dict[str, Any],
    *,
    source: str,
    target: str,
    batch_size: int | None,
    inputs: list[dict[str, Any]],
    calibration: str,
    alpha_percent: int,
) -> None:
    """Move the outliers of activations into the weights of the product that follows, then quantize both to int8.

    After Xiao and others, "SmoothQuant", 2022, https://arxiv.org/abs/2211.10438; of attention only products are
    quantized.

    Args:
        state: of the converter process (not used).
        source: an IR file.
        target: file to write.
        batch_size: of the file.
        inputs: names, shapes and dtypes of the inputs.
        calibration: folder of samples.
        alpha_percent: how much of the outliers is moved: 50 in the paper, 95 is NNCF's own choice.

    Raises:
        UnsupportedError: for a model without attention.
    """
    del state
    import nncf

    model, feeds = opened(source, calibration, batch_size, inputs)
    if not _attends(model):
        raise UnsupportedError("SmoothQuant is for transformers, and no product of two activations is in this model")
    alphas = nncf.AdvancedSmoothQuantParameters(matmul=alpha_percent / 100)
    made = nncf.quantize(
        model,
        nncf.Dataset(feeds),
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(feeds),
        advanced_parameters=nncf.AdvancedQuantizationParameters(smooth_quant_alphas=alphas),
    )
    save(made, target)


def _attends(model: Any) -> bool:
    """Tell whether anything multiplies two activations, as attention does."""
    depends = _depends_on_inputs(model)
    return any(
        all(node.input_value(port).get_node().get_friendly_name() in depends for port in (0, 1))
        for node in model.get_ops()
        if node.get_type_name() in {"MatMul", "ScaledDotProductAttention"}
    )


def _depends_on_inputs(model: Any) -> set[str]:
    """Name the operators whose values depend on the inputs; those of weights do not, whatever is done to them."""
    names: set[str] = set()
    for node in model.get_ordered_ops():
        before = [node.input_value(port).get_node().get_friendly_name() for port in range(node.get_input_size())]
        if node.get_type_name() == "Parameter" or names.intersection(before):
            names.add(node.get_friendly_name())
    return names
