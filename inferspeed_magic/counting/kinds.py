"""Operators of TensorFlow that do no arithmetic, by what they cost.

The others have their rule in ``counting.arithmetic`` or ``counting.products``.
"""

from __future__ import annotations

from inferspeed_magic.counting.flat_graph import BRANCH_RESULT, INPUT, LOOP_RESULT, LOOP_VARIABLE, WEIGHT


def _kinds(names: str) -> frozenset[str]:
    return frozenset(names.split())


#: Output number i is input number i under another shape or name.
VIEWS = _kinds(
    """Bitcast CheckNumerics CheckNumericsV2 DebugIdentityV2 EnsureShape ExpandDims Identity IdentityN
    PlaceholderWithDefault PreventGradient Reshape Snapshot Squeeze StopGradient XlaSharding"""
) | {BRANCH_RESULT}

#: What they make is known before any input is: shapes, and tensors filled with one value.
KNOWN = _kinds(
    """BroadcastArgs BroadcastGradientArgs Const EmptyTensorList HashTableV2 MutableHashTableV2 OnesLike Rank
    ReadVariableOp Shape ShapeN Size TensorListReserve VarHandleOp ZerosLike"""
) | {WEIGHT}

#: Bookkeeping: no runtime has a kernel for it, but what it makes is a tensor of its own.
PLUMBING = _kinds(
    """(state) AnonymousRandomSeedGenerator Assert AssignAddVariableOp AssignSubVariableOp AssignVariableOp NoOp
    Placeholder TensorListConcatV2 TensorListElementShape TensorListFromTensor TensorListGather TensorListGetItem
    TensorListLength TensorListPopBack TensorListPushBack TensorListResize TensorListScatter
    TensorListScatterIntoExistingList TensorListScatterV2 TensorListSetItem TensorListSplit TensorListStack"""
) | {INPUT, LOOP_VARIABLE, LOOP_RESULT}

#: Never known, whatever they take: random numbers, and what was kept from the last call.
STATEFUL = _kinds(
    """(state) Multinomial ParameterizedTruncatedNormal RandomGammaV2 RandomPoissonV2 RandomShuffle RandomStandardNormal
    RandomUniform RandomUniformInt StatefulStandardNormalV2 StatefulTruncatedNormal StatefulUniform
    StatefulUniformFullInt StatefulUniformInt TruncatedNormal"""
)

#: Only rows of the first input are read, as many as the output has.
LOOKUPS = _kinds("Gather GatherNd GatherV2 ResourceGather ResourceGatherNd")

#: Kernels that move or convert data, and those that work on text.
MOVES = LOOKUPS | _kinds(
    """AsString BatchToSpace BatchToSpaceND BroadcastTo Cast Complex Concat ConcatV2 Copy DecodeRaw DepthToSpace Diag
    DiagPart DynamicPartition DynamicStitch ExtractGlimpse ExtractImagePatches ExtractVolumePatches FFTShift Fill Imag
    InvertPermutation LinSpace LookupTableFindV2 LookupTableSizeV2 MatrixBandPart MatrixDiag MatrixDiagPart
    MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3 MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3 MirrorPad
    OneHot Pack Pad PadV2 ParallelConcat ParallelDynamicStitch RaggedGather RaggedRange RaggedTensorFromVariant
    RaggedTensorToSparse RaggedTensorToTensor RaggedTensorToVariant Range Real RegexFullMatch RegexReplace
    ResizeNearestNeighbor Reverse ReverseSequence ReverseV2 Roll ScatterNd Slice SpaceToBatch SpaceToBatchND
    SpaceToDepth SparseConcat SparseCross SparseCrossHashed SparseCrossV2 SparseFillEmptyRows SparseReorder
    SparseReshape SparseSlice SparseToDense Split SplitV StaticRegexFullMatch StaticRegexReplace StridedSlice
    StringFormat StringJoin StringLength StringLower StringNGrams StringSplitV2 StringStrip StringToHashBucketFast
    StringToHashBucketStrong StringToNumber StringUpper Substr TensorScatterUpdate TensorStridedSliceUpdate Tile
    Transpose UnicodeDecode UnicodeEncode Unpack UnravelIndex Where"""
)
