"""What every kind of mask is read into: labelled voxels on a grid of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from calcarium.regions.label_runs import LabelRuns, runs_of_rows

Affine = NDArray[np.float64]


@dataclass(frozen=True)
class LabelMap:
    """Labelled voxels on a grid of their own.

    Attributes
    ----------
    runs : the labels, as runs along the last axis of the grid
    shape : of the grid: planes, rows, columns
    to_lps : (4, 4), from ``(plane, row, column, 1)`` to patient millimetres (DICOM LPS);
        ``None``: the grid is the scan's own
    names : name of a label value, where the file says it
    sha256 : hash of the file's bytes, as stored
    """

    runs: LabelRuns
    shape: tuple[int, int, int]
    to_lps: Affine | None
    names: Mapping[int, str] = field(default_factory=dict)
    sha256: str = ""

    @classmethod
    def of(
        cls,
        labels: NDArray[np.generic],
        to_lps: Affine | None,
        names: Mapping[int, str] | None = None,
        sha256: str = "",
    ) -> LabelMap:
        """The label map of an array, 0 being background.

        Parameters
        ----------
        labels : three-dimensional, in the axes of ``to_lps``
        """
        planes, rows, columns = labels.shape
        runs = [runs_of_rows(plane, z * rows, rows) for z, plane in enumerate(labels)]
        return cls(LabelRuns.joined(runs), (planes, rows, columns), to_lps, names or {}, sha256)
