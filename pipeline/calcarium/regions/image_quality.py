"""How noisy a scan is, whether its Hounsfield units fit, and how wide the patient is.

All of it is told as quality rows; nothing here changes a score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calcarium.config.contrast import ContrastRules
from calcarium.config.detector_doubt import DoubtRules
from calcarium.quality import QualityRow
from calcarium.regions.anatomy.grid import Float64, Grid, Mask
from calcarium.regions.anatomy.landmarks import Landmarks
from calcarium.regions.anatomy.noise import MAD_TO_SIGMA
from calcarium.regions.blood_pool import measure_blood
from calcarium.volume.model import Volume

FROM_SKIN_MM = 15.0  # blankets and leads lie nearer
MOST_SLICES = 12  # more do not sharpen a standard deviation
LEAST_VOXELS = 500
OUTLIER_SIGMAS = 4.0
RIM_BLOCKS = 1.5  # a body this near to the border of the image is cut by it
# DICOM CID 7042: lateral thickness below 32.0 cm, 32.0 to 38.0 cm, above 38.0 cm.
MEDIUM_MM = (320.0, 380.0)


@dataclass(frozen=True)
class Air:
    """Air in front of the patient: its median, and the standard deviation of its noise.

    ``noise_hu`` is ``None`` where the file cuts off more than half of the values.
    """

    hu: float
    noise_hu: float | None


def image_quality(
    volume: Volume, landmarks: Landmarks, rules: DoubtRules
) -> tuple[QualityRow, ...]:
    """Blood and its noise, then what holds for scans with contrast as well."""
    blood = measure_blood(volume, landmarks.thorax.grid, landmarks.aorta, ContrastRules())
    if blood is None:
        rows = _unknown(("blood_hu", "blood_noise"), "too little of the aorta in view")
    else:
        low, high = rules.blood_hu
        usual = low <= blood.mean_hu <= high
        text = f"{blood.n_voxels} voxels of the aorta"
        rows = (
            QualityRow("blood_hu", "pass" if usual else "warn", round(blood.mean_hu, 2), text),
            QualityRow("blood_noise", "pass", round(blood.sd_hu, 2), text),
        )
    return (*rows, *body_quality(volume, landmarks, rules))


def body_quality(volume: Volume, landmarks: Landmarks, rules: DoubtRules) -> tuple[QualityRow, ...]:
    """Air around the patient with its noise, and the patient's width."""
    grid = landmarks.thorax.grid
    levels = np.flatnonzero(landmarks.heart.mask.any(axis=(1, 2)))
    air = measure_air(volume, grid, air_in_front(landmarks, levels))
    width_mm = lateral_width_mm(grid, landmarks.thorax.body, levels)
    return (*_air_rows(air, rules), _width_row(width_mm))


def air_in_front(landmarks: Landmarks, levels: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Mask:
    """Blocks of some slices well in front of the skin, inside the reconstructed circle."""
    thorax = landmarks.thorax
    grid = thorax.grid
    first = np.where(thorax.body.any(axis=1), thorax.body.argmax(axis=1), 0)
    rows = np.arange(grid.hu.shape[1])[None, :, None]
    in_front = rows < (first - grid.pixels(FROM_SKIN_MM))[:, None, :]
    border, circle = _inside_rim(grid)
    in_front &= ~thorax.lungs.hull & (np.minimum(border, circle) > RIM_BLOCKS)
    wanted = np.zeros(grid.hu.shape, bool)
    wanted[levels] = in_front[levels]
    return wanted


def measure_air(volume: Volume, grid: Grid, air: Mask) -> Air | None:
    """Native voxels of a mask of the grid; ``None`` if they are too few.

    Many files hold nothing below -1024 HU, so the noise is that of the half above the median.
    """
    values = _native_hu(volume, grid, air)
    if values.size < LEAST_VOXELS:
        return None
    middle = float(np.median(values))
    above = values[values >= middle] - middle
    limit = OUTLIER_SIGMAS * MAD_TO_SIGMA * float(np.median(np.abs(values - middle)))
    if middle == values.min() or limit == 0:
        return Air(middle, None)
    return Air(middle, float(np.sqrt(np.mean(above[above <= limit] ** 2))))


def lateral_width_mm(
    grid: Grid, body: Mask, levels: np.ndarray[tuple[int], np.dtype[np.intp]]
) -> float | None:
    """Width of the body from side to side, the median of some slices.

    ``None`` where the image, or the circle in it, cuts a side off. Arms that lie against the
    chest are part of it.
    """
    across: Mask = np.asarray(body[levels].any(axis=1))
    if not across.size or not across.any(axis=1).all():
        return None
    left = across.argmax(axis=1)
    right = across.shape[1] - 1 - across[:, ::-1].argmax(axis=1)
    border, circle = _inside_rim(grid)
    near_rim = body[levels] & (np.minimum(border, np.abs(circle)) <= RIM_BLOCKS)
    cut: Mask = np.asarray(near_rim.any(axis=1))
    k = np.arange(len(levels))
    if (cut[k, left] | cut[k, right]).any():
        return None
    return float(np.median(right - left + 1)) * grid.pixel_mm


def _inside_rim(grid: Grid) -> tuple[Float64, Float64]:
    """How many blocks each block of a slice lies inside the image, and inside its circle.

    The second is negative in the corners.
    """
    _, rows, columns = grid.hu.shape
    row, column = np.arange(rows)[:, None], np.arange(columns)[None]
    down, across = np.minimum(row, rows - 1 - row), np.minimum(column, columns - 1 - column)
    away = np.hypot(row - (rows - 1) / 2, column - (columns - 1) / 2)
    return np.minimum(down, across).astype(np.float64), min(rows, columns) / 2 - away


def _native_hu(volume: Volume, grid: Grid, mask: Mask) -> Float64:
    """HU of native voxels of a mask of the grid: every second in plane, of evenly spread slices."""
    if not mask.any():
        return np.zeros(0)
    box = grid.native_box(mask, 0.0)
    rows, columns = slice(box.y0, box.y1, 2), slice(box.x0, box.x1, 2)
    level, row, column = (
        grid.nearest(axis, np.arange(part.start, part.stop, part.step, dtype=np.intp))
        for axis, part in enumerate((slice(box.z0, box.z1, 1), rows, columns))
    )
    with_some: Mask = np.asarray(mask.any(axis=(1, 2)))
    wanted = np.flatnonzero(with_some[level])
    found = []
    for i in wanted[:: max(1, len(wanted) // MOST_SLICES)]:
        z = box.z0 + int(i)
        inside = mask[level[i]][np.ix_(row, column)]
        hu = volume.hu((slice(z, z + 1), rows, columns))[0]
        found.append(hu[inside].astype(np.float64))
    return np.concatenate(found)


def _air_rows(air: Air | None, rules: DoubtRules) -> tuple[QualityRow, ...]:
    if air is None:
        return _unknown(("air_hu", "air_noise"), "no air in front of the patient in view")
    good = air.hu <= rules.air_hu
    noise = air.noise_hu
    return (
        QualityRow("air_hu", "pass" if good else "warn", air.hu),
        QualityRow("air_noise", "unknown", text="cut off by the file")
        if noise is None
        else QualityRow("air_noise", "pass", round(noise, 2)),
    )


def _unknown(checks: tuple[str, ...], why: str) -> tuple[QualityRow, ...]:
    return tuple(QualityRow(check, "unknown", text=why) for check in checks)


def _width_row(width_mm: float | None) -> QualityRow:
    if width_mm is None:
        return QualityRow("patient_width", "unknown", text="cut by the field of view")
    return QualityRow("patient_width", "pass", round(width_mm, 1), size_class(width_mm))


def size_class(width_mm: float) -> str:
    """Class of a lateral width, with its DICOM code."""
    low, high = MEDIUM_MM
    if width_mm < low:
        return "small (DCM 113601)"
    return "medium (DCM 113602)" if width_mm <= high else "large (DCM 113603)"
