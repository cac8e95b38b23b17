"""What stands in for a layer that was taken out: it gives the right shape, and costs little more than writing it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Whatever the user set as usual.
_LAST = "channels_last"


def stand_in(tensors: Sequence[Any], output: Any, name: str, keras: Any) -> Any:
    """Make a tensor of the right shape of a layer's inputs: their numbers, cut where there are too many, or filled up.

    A copy of as many numbers as the output has: that much has to be written whatever computes it. Of one input with as
    many axes as the output, each axis is cut or filled by itself, which leaves the layout of pictures as it is, and
    channels are repeated. All others are laid in a row, an equal part of each so that none is left out, and what is
    missing is zero; kernels of dense products take as long for zeros as for other numbers.

    Args:
        tensors: symbolic inputs of the layer; those of another batch are left out.
        output: symbolic, the shape and dtype that are wanted.
        name: of the model that all of this becomes.
        keras: the library.

    Returns:
        A symbolic tensor.

    Raises:
        UnsupportedError: where shapes are not known, or nothing that goes in has the batch of what comes out.
    """
    tensors = [each for each in tensors if len(each.shape) and len(output.shape) and each.shape[0] == output.shape[0]]
    if not tensors:
        raise UnsupportedError(f"nothing that {name} takes has the batch of what it gives")
    if any(None in each.shape[1:] or getattr(each, "sparse", False) for each in (*tensors, output)):
        raise UnsupportedError(f"the shape of what {name} takes or gives is not known before it runs")
    if not all(math.prod(each.shape[1:]) for each in (*tensors, output)):
        raise UnsupportedError(f"what {name} takes or gives is empty")
    number = output.dtype if "float" in output.dtype else "float32"
    inputs = [keras.Input(batch_shape=each.shape, dtype=each.dtype) for each in tensors]
    plain = [each if each.dtype == number else keras.ops.cast(each, number) for each in inputs]
    alike = len(plain) == 1 and len(output.shape) == len(plain[0].shape) > 1
    make = _axis_by_axis if alike else _in_a_row
    made = make(plain, output.shape[1:], number, keras)
    if output.dtype != number:
        made = keras.ops.cast(made, output.dtype)
    if made is inputs[0]:  # a graph of nothing
        made = keras.layers.Identity(dtype=number)(made)
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], made, name=name)(
        list(tensors) if len(tensors) > 1 else tensors[0]
    )


def _axis_by_axis(tensors: Sequence[Any], shape: tuple[int, ...], number: str, keras: Any) -> Any:
    """Cut or fill each axis; the last one is filled with copies, the others with zeros."""
    made = _cut(tensors[0], shape)
    missing = [(0, wanted - have) for wanted, have in zip(shape[:-1], made.shape[1:-1], strict=True)]
    if any(after for _, after in missing):
        made = keras.ops.pad(made, [(0, 0), *missing, (0, 0)])
    copies, rest = divmod(shape[-1], made.shape[-1])
    parts = [made] * copies + ([_cut(made, (*shape[:-1], rest))] if rest else [])
    return made if len(parts) == 1 else keras.layers.Concatenate(axis=-1, dtype=number)(parts)


def _cut(tensor: Any, shape: tuple[int, ...]) -> Any:
    have = tensor.shape[1:]
    if all(wanted >= size for wanted, size in zip(shape, have, strict=True)):
        return tensor
    return tensor[(slice(None), *(slice(0, min(pair)) for pair in zip(shape, have, strict=True)))]


def _in_a_row(tensors: Sequence[Any], shape: tuple[int, ...], number: str, keras: Any) -> Any:
    wanted = math.prod(shape)
    share = -(-wanted // len(tensors))
    rows = [_row(each, share, number, keras) for each in tensors]
    row = rows[0] if len(rows) == 1 else keras.layers.Concatenate(axis=1, dtype=number)(rows)
    return keras.layers.Reshape(shape, dtype=number)(_of_length(row, wanted, number, keras))


def _row(tensor: Any, most: int, number: str, keras: Any) -> Any:
    """Lay the numbers of each sample in a row: batch x length x 1; no more than are wanted."""
    size = math.prod(tensor.shape[1:])
    row = keras.layers.Reshape((size, 1), dtype=number)(tensor)
    return _of_length(row, min(size, most), number, keras)


def _of_length(row: Any, length: int, number: str, keras: Any) -> Any:
    have = row.shape[1]
    if have > length:
        return keras.layers.Cropping1D((0, have - length), dtype=number)(row)
    if have < length:
        return keras.layers.ZeroPadding1D((0, length - have), data_format=_LAST, dtype=number)(row)
    return row
