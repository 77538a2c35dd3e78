"""A network over a volume that is larger than its input: overlapping patches, weighted."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Triple = tuple[int, int, int]

# As nnU-Net and MONAI have it: the standard deviation is an eighth of the patch.
GAUSSIAN_SIGMA = 1 / 8
# No voxel of a patch counts for nothing, or the rim of the volume would have no votes.
LEAST_WEIGHT = 1e-3


def predict(
    image: Float32,
    network: Callable[[Float32], Float32],
    patch: Triple,
    overlap: float,
    weighting: Literal["gaussian", "mean"],
    padding: float,
) -> Float32:
    """Weighted mean of a network's outputs over all patches.

    Parameters
    ----------
    image : three axes
    network : from (1, 1, *patch) to (1, channels, *patch)
    patch : its input size; a smaller image is padded at its ends
    overlap : least share by which neighbouring patches overlap
    padding : value beyond the image

    Returns
    -------
    Array of shape (channels, *image.shape)
    """
    missing = [max(0, size - n) for size, n in zip(patch, image.shape, strict=True)]
    padded = np.pad(image, [(0, n) for n in missing], constant_values=padding)
    weight = patch_weight(patch, weighting)
    votes = np.zeros(padded.shape, dtype=np.float32)
    total: Float32 | None = None
    axes = [starts(n, size, overlap) for n, size in zip(padded.shape, patch, strict=True)]
    for corner in product(*axes):
        part = tuple(slice(c, c + size) for c, size in zip(corner, patch, strict=True))
        out = network(np.ascontiguousarray(padded[part])[None, None])[0]
        if total is None:
            total = np.zeros((len(out), *padded.shape), dtype=np.float32)
        total[(slice(None), *part)] += out * weight
        votes[part] += weight
    assert total is not None
    total /= votes
    return total[(slice(None), *(slice(n) for n in image.shape))]


def starts(size: int, patch: int, overlap: float) -> list[int]:
    """First voxels of patches that cover an axis evenly, overlapping at least by a share."""
    if size <= patch:
        return [0]
    step = max(1.0, patch * (1 - overlap))
    count = int(np.ceil((size - patch) / step)) + 1
    return [int(start) for start in np.rint(np.linspace(0, size - patch, count))]


def patch_weight(patch: Triple, weighting: Literal["gaussian", "mean"]) -> Float32:
    """Weight of each voxel of a patch, at most 1."""
    weight = np.ones(patch, dtype=np.float64)
    if weighting == "gaussian":
        for axis, size in enumerate(patch):
            offset = (np.arange(size) - (size - 1) / 2) / (size * GAUSSIAN_SIGMA)
            line = np.exp(-0.5 * offset**2)
            weight *= line.reshape([-1 if a == axis else 1 for a in range(3)])
        weight = np.maximum(weight / weight.max(), LEAST_WEIGHT)
    return weight.astype(np.float32)
