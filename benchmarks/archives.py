"""Archives of synthetic studies to time on: chest-like content, exact slice counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import ndimage

from calcarium.phantom.dicom import Encoding, SeriesUids, write_mask, write_series
from calcarium.phantom.header import Technique, invented_person
from calcarium.phantom.model import PhantomScan
from calcarium.phantom.thorax import draw_thorax

# Interpolation between slices takes noise away; with so much more, a slice has 1,200-1,300
# runs of 130 HU and above. Chest CT of patients has 1,080-1,560, with 3.0-4.5 % foreground.
NOISE_HU = 30.0
NOISE_SIGMA_PX = 0.7


def timing_scan(n_slices: int, seed: int = 3, noise_hu: float = NOISE_HU) -> PhantomScan:
    """A chest of exactly so many slices: drawn once, resampled along z, noise added again."""
    scan = draw_thorax(seed, gated=n_slices < 100, calcified=True).scan
    at = np.linspace(0, scan.grid.shape[0] - 1, n_slices)
    below = np.minimum(at.astype(int), scan.grid.shape[0] - 2)
    share = (at - below).astype(np.float32)[:, None, None]
    hu = scan.hu[below] * (1 - share) + scan.hu[below + 1] * share
    rng = np.random.default_rng(seed)
    for plane in hu:
        noise = ndimage.gaussian_filter(
            rng.standard_normal(plane.shape, dtype=np.float32), NOISE_SIGMA_PX
        )
        plane += noise_hu / float(noise.std()) * noise
    increment = scan.grid.slice_increment_mm * (scan.grid.shape[0] - 1) / (n_slices - 1)
    grid = replace(
        scan.grid,
        shape=(n_slices, *scan.grid.shape[1:]),
        slice_increment_mm=round(increment, 3),
        slice_thickness_mm=round(increment, 3),
    )
    return replace(scan, grid=grid, hu=hu, calcium=scan.calcium[np.rint(at).astype(int)])


def write_archive(folder: Path, scan: PhantomScan, n_studies: int, syntax: str) -> None:
    """Write the same scan as so many studies: ``dicom/`` and ``masks/``."""
    for number in range(n_studies):
        uids = SeriesUids.of(f"{folder.name}-{number}")
        person = invented_person(number)
        technique = Technique(gated=scan.grid.shape[0] < 100)
        series = folder / "dicom" / f"{number:04d}"
        write_series(series, scan, uids, person, technique, Encoding(syntax))
        write_mask(folder / "masks" / f"{uids.series}.nii.gz", scan.calcium, scan.grid)


def foreground(scan: PhantomScan) -> tuple[float, float]:
    """Share of voxels at 130 HU or above, and mean number of runs per slice."""
    bright = scan.hu >= 130
    starts = bright[:, :, 1:] & ~bright[:, :, :-1]
    runs = starts.sum() + bright[:, :, 0].sum()
    return float(bright.mean()), float(runs / len(scan.hu))
