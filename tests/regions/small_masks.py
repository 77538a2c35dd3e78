"""Masks of the small scans, and what was read from them."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from small_scans import SHAPE, geometry, lps_affine

from calcarium.regions.masks import Marked
from calcarium.regions.model import Region

RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
UID = "1.2.840.113619.7"


def on_scan(region: Region | None, shape: tuple[int, int, int] = SHAPE) -> NDArray[np.uint16]:
    assert region is not None
    dense = np.zeros(shape, dtype=np.uint16)
    if region.labels is not None:
        dense[region.box.slices] = region.labels
    return dense


def vessels(marked: Marked) -> dict[int, str]:
    assert marked.region is not None
    return {value: label.vessel for value, label in marked.region.meaning.items()}


def blocks(*values: int) -> NDArray[np.uint16]:
    """Labels side by side along x, two columns each."""
    labels = np.zeros(SHAPE, dtype=np.uint16)
    for n, value in enumerate(values):
        labels[1:3, 2:5, 1 + 2 * n : 3 + 2 * n] = value
    return labels


def write_nifti(path: Path, labels: NDArray[np.uint16], names: dict[int, str] | None = None) -> str:
    image = nib.Nifti1Image(labels, RAS @ lps_affine(geometry()))
    image.set_sform(image.affine, code=1)
    if names:
        table = "".join(
            f'<Label Key="{n}" Red="1" Green="0" Blue="0" Alpha="1"><![CDATA[{name}]]></Label>\n'
            for n, name in names.items()
        )
        text = f"<CaretExtension><LabelTable>{table}</LabelTable></CaretExtension>"
        image.header.extensions.append(nib.nifti1.Nifti1Extension(0, text.encode()))
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(image, path)
    return str(path)
