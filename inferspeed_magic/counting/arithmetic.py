"""Floating-point operations of everything that is neither a matrix product nor a convolution.

The convention: an element-wise operator is one operation per element that it makes, whatever the function (tanh is one,
as in TensorFlow's own counter); a reduction is one per element that it takes; operators that stand for several of these
count each. Comparisons, and arithmetic with integers, count like any other. Moving data is none.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from inferspeed_magic.counting.products import elements, sizes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from inferspeed_magic.counting.flat_graph import Node

    Rule = Callable[[Node], int]

_ELEMENTWISE = """
    Abs Acos Acosh Add AddV2 Angle ApproximateEqual Asin Asinh Atan Atan2 Atanh BesselI0 BesselI0e BesselI1 BesselI1e
    Betainc BiasAdd BiasAddV1 BitwiseAnd BitwiseOr BitwiseXor Ceil ClipByValue ComplexAbs Conj Cos Cosh Digamma Div
    DivNoNan Elu Equal Erf Erfc Erfinv Exp Expm1 Floor FloorDiv FloorMod Greater GreaterEqual Igamma Igammac Inv Invert
    IsFinite IsInf IsNan LeakyRelu LeftShift Less LessEqual Lgamma Log Log1p LogicalAnd LogicalNot LogicalOr Maximum
    Minimum Mod Mul MulNoNan Ndtri Neg NextAfter NotEqual Polygamma Pow RealDiv Reciprocal Relu Relu6 RightShift Rint
    Round Rsqrt Select SelectV2 Selu Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Square SquaredDifference Sub Tan Tanh
    TruncateDiv TruncateMod Xdivy Xlog1py Xlogy Zeta
    Multinomial ParameterizedTruncatedNormal RandomGammaV2 RandomPoissonV2 RandomShuffle RandomStandardNormal
    RandomUniform RandomUniformInt StatefulStandardNormalV2 StatefulTruncatedNormal StatefulUniform StatefulUniformInt
    StatelessMultinomial StatelessRandomBinomial StatelessRandomNormal StatelessRandomNormalV2
    StatelessRandomUniform StatelessRandomUniformFullInt StatelessRandomUniformFullIntV2 StatelessRandomUniformInt
    StatelessRandomUniformIntV2 StatelessRandomUniformV2 StatelessTruncatedNormal StatelessTruncatedNormalV2
    TruncatedNormal
"""
_REDUCTIONS = """
    All Any ArgMax ArgMin Bincount Cumprod Cumsum DenseBincount EuclideanNorm Max Mean Min Prod RaggedBincount
    SegmentMax SegmentMean SegmentMin SegmentProd SegmentSum SegmentSumV2 SparseSegmentSum Sum UnsortedSegmentMax
    UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentSum
"""
#: A linear interpolation is a difference, a product and a sum; a bilinear one is three of them.
_BILINEAR, _BICUBIC = 9, 32


def _per_output(cost: int) -> Rule:
    return lambda node: cost * elements(node.outputs[0])


def _per_input(cost: int) -> Rule:
    return lambda node: cost * elements(node.inputs[0])


def _each(names: str | Iterable[str], rule: Rule) -> dict[str, Rule]:
    return dict.fromkeys(names.split() if isinstance(names, str) else names, rule)


def _pooling(node: Node) -> int:
    return elements(node.outputs[0]) * math.prod(int(size) for size in node.attributes["ksize"])


def _sum_of_many(node: Node) -> int:
    return elements(node.outputs[0]) * (len(node.inputs) - 1)


def _normalization(node: Node) -> int:
    """Multiply and add; in training mean and variance before it."""
    training = node.attributes.get("is_training", False)
    return elements(node.outputs[0]) * (7 if training else 2)


def _response_normalization(node: Node) -> int:
    """Sum of squares over the neighbours, scaled, to a power, divided by."""
    width = 2 * int(node.attributes["depth_radius"]) + 1
    return elements(node.outputs[0]) * (2 * width + 4)


def _dilation(node: Node) -> int:
    """Add and compare, at every position of the kernel (height, width, channels)."""
    return 2 * elements(node.outputs[0]) * math.prod(sizes(node.inputs[1])[:2])


def _search(node: Node) -> int:
    return elements(node.outputs[0]) * math.ceil(math.log2(len(node.attributes["boundaries"]) + 1))


def _sort(node: Node) -> int:
    return elements(node.inputs[0]) * math.ceil(math.log2(max(sizes(node.inputs[0])[-1], 2)))


def _fourier(axes: int, cost: float) -> Rule:
    """Return the rule of a transform over so many axes: 5 n log2 n for n complex points (Cooley and Tukey 1965)."""

    def rule(node: Node) -> int:
        larger = max(node.inputs[0], node.outputs[0], key=elements)
        points = math.prod(sizes(larger)[-axes:])
        return round(cost * elements(larger) * math.log2(max(points, 2)))

    return rule


def _fouriers() -> dict[str, Rule]:
    """Give a transform of real numbers half of what one of complex numbers takes."""
    return {
        f"{kind}{'' if axes == 1 else f'{axes}D'}": _fourier(axes, 5.0 if kind in {"FFT", "IFFT"} else 2.5)
        for kind in ("FFT", "IFFT", "RFFT", "IRFFT")
        for axes in (1, 2, 3)
    }


def _resampling(node: Node) -> int:
    """Weigh the neighbours along one axis, then along the other; more of them where an image gets smaller."""
    reach = {"lanczos1": 1, "lanczos3": 3, "lanczos5": 5, "triangle": 1, "box": 0.5, "keyscubic": 2, "gaussian": 1.5}
    kernel = node.attributes["kernel_type"]
    half = reach.get(kernel, 2)
    batch, *before, channels = sizes(node.inputs[0])
    after = sizes(node.outputs[0])[1:3]
    taps = [
        2 * half * max(1.0, old / new if node.attributes["antialias"] else 1.0)
        for old, new in zip(before, after, strict=True)
    ]
    rows = batch * channels * after[0] * before[1] * 2 * taps[0]
    return round(rows + batch * channels * after[0] * after[1] * 2 * taps[1])


def _cubic(cost: float) -> Rule:
    """Return the rule of an algorithm on square matrices of n rows that takes cost * n^3 operations."""
    return lambda node: round(cost * elements(node.inputs[0]) * sizes(node.inputs[0])[-1])


def _substitution(node: Node) -> int:
    return elements(node.outputs[0]) * sizes(node.inputs[0])[-1]


#: Kind of operator to its floating-point operations.
ARITHMETIC: dict[str, Rule] = {
    **_each(_ELEMENTWISE, _per_output(1)),
    **_each(_REDUCTIONS, _per_input(1)),
    **_each("AddN AccumulateNV2", _sum_of_many),
    **_each("AvgPool AvgPool3D MaxPool MaxPool3D MaxPoolWithArgmax", _pooling),
    # Largest, difference, exponential, sum, quotient.
    **_each("Softmax LogSoftmax CumulativeLogsumexp", _per_output(5)),
    **_each("FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3", _normalization),
    # Scale, round, clip, scale back.
    **_each(
        "FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel QuantizeAndDequantizeV2 "
        "QuantizeAndDequantizeV3 QuantizeAndDequantizeV4",
        _per_output(4),
    ),
    **_each("L2Loss", _per_input(2)),
    **_each("Cross", _per_output(3)),
    **_each("ResizeBilinear CropAndResize", _per_output(_BILINEAR)),
    **_each("ResizeBicubic", _per_output(_BICUBIC)),
    **_each("ResizeArea", lambda node: elements(node.inputs[0]) + elements(node.outputs[0])),
    # Two sums of products over one that is shared by the channels, and an interpolation.
    **_each("ImageProjectiveTransformV2 ImageProjectiveTransformV3", _per_output(_BILINEAR + 14)),
    **_each("ScaleAndTranslate", _resampling),
    **_each(
        "TensorScatterAdd TensorScatterSub TensorScatterMax TensorScatterMin", lambda node: elements(node.inputs[2])
    ),
    **_each("LRN", _response_normalization),
    **_each("Dilation2D", _dilation),
    **_each("Bucketize", _search),
    **_each(
        "LowerBound UpperBound", lambda n: elements(n.outputs[0]) * math.ceil(math.log2(sizes(n.inputs[0])[-1] + 1))
    ),
    **_each("TopK TopKV2", _sort),
    **_fouriers(),
    **_each("Cholesky", _cubic(1 / 3)),
    **_each("MatrixDeterminant LogMatrixDeterminant Lu", _cubic(2 / 3)),
    **_each("MatrixInverse", _cubic(2)),
    **_each("MatrixTriangularSolve", _substitution),
    **_each("MatrixSolve", lambda node: _cubic(2 / 3)(node) + 2 * _substitution(node)),
}

#: What may write over its input where nobody else needs that: the output takes no memory of its own.
IN_PLACE = frozenset(_ELEMENTWISE.split()) | {"AddN", "Softmax", "LogSoftmax", "FusedBatchNormV3"}
