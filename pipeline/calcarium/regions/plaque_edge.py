"""Where a calcification ends: half way from what lies around it to its own brightness.

A threshold that stands clear of bright blood cuts away the side of a plaque that lies in fat,
where its blurred edge falls far below the blood. So every voxel has a level of its own: half
way between the surroundings on its side and the peak near by, which is where the edge of a
blurred body lies, whether blood or fat is behind it. Of a faint body noise lifts only specks
over the threshold; so a lesion starts from half its height above blood, at them and near by.

On a thin body blur lowers the peak, and hides a lumen as thin between plaque and fat. So part
of the blur is taken back first; to the peak is given back what a uniform body of the lesion's
shape would have lost of it, as emission tomography does by recovery coefficients; and nothing
counts that lies farther from what is surely plaque than a blurred edge is wide: such a lumen
is as bright as the middle of an edge between plaque and fat.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from calcarium.config.contrast import ContrastRules
from calcarium.regions.anatomy.grid import Float32, Mask
from calcarium.regions.blood_pool import BloodPool
from calcarium.regions.boxes import part_of, widened
from calcarium.volume.model import Volume
from calcarium_kernels.contract import Box, Labels

PEAK_SIGMA_MM = 0.3  # takes noise off a peak; what it takes of its height is given back
LEAST_RECOVERED = 0.5  # a peak is at most doubled
SHARPENED = 3  # iterations; noise grows at most fourfold, threefold in slices of 0.5 mm
ROUNDS = 2  # the second reads the surroundings of the edge that the first found
NEIGHBOURS = 3  # voxels along each axis over which the surroundings are averaged
NOWHERE, UNREACHED = np.float32(-2000), np.float32(1e6)  # below and above any HU, or share
ROUNDING = 1e-6

Spacing = tuple[float, float, float]


def painted_to_edge(
    volume: Volume, box: Box, above: Labels, measured: Mask, blood: BloodPool, rules: ContrastRules
) -> Labels:
    """Labels of a box of which the measured ones reach to their edge.

    Parameters
    ----------
    above : candidates as labels 1 to n, down to the threshold
    measured : which candidates are calcium; the others stay as they are
    """
    if rules.edge_share == 0:
        return above
    labels = above.copy()
    spacing = volume.geometry.spacing_zyx_mm
    reach_mm = rules.edge_reach_mm + rules.surroundings_mm
    for i, bounds in enumerate(ndimage.find_objects(above)):
        if not measured[i]:
            continue
        part = widened(bounds, reach_mm, spacing, box.shape)
        hu = volume.hu(part_of(box, part).slices)
        here = above[part]
        lesion = lesion_to_edge(
            hu, here == i + 1, (here > 0) & (here != i + 1), spacing, blood, rules
        )
        mine, free = labels[part] == i + 1, labels[part] == 0
        labels[part][mine & ~lesion] = 0
        labels[part][lesion & (free | mine)] = i + 1
    return labels


def lesion_to_edge(
    hu: Float32, above: Mask, others: Mask, spacing: Spacing, blood: BloodPool, rules: ContrastRules
) -> Mask:
    """The voxels of one lesion, down to half its height on every side.

    Parameters
    ----------
    hu : part of the scan around the lesion
    above, others : voxels above the threshold, of the lesion and of other candidates
    """
    hu = sharpened(hu, spacing, rules.blur_mm)
    smooth = _without_noise(hu, spacing)
    near_above = ndimage.distance_transform_edt(~above, sampling=spacing) <= rules.edge_reach_mm
    free = near_above & ~others
    size = [2 * max(1, round(rules.peak_mm / mm)) + 1 for mm in spacing]
    blood_hu, share = np.float32(blood.mean_hu), np.float32(rules.edge_share)
    reach = [mm / max(mm, rules.blur_mm) for mm in spacing]
    half_hu = blood_hu + share * (_peak_near(smooth, above, size) - blood_hu)
    lesion = _touching(free & (smooth >= half_hu), above)
    if not lesion.any():  # smaller than the noise that is taken off
        return above
    for _ in range(ROUNDS):
        around = _surroundings(hu, lesion, others, spacing, rules.surroundings_mm)
        height = _peak_near(smooth, lesion, size) - blood_hu
        peak = blood_hu + height / _recovered(lesion, spacing, rules.blur_mm, size)
        level = around + share * (peak - around)
        sure = hu >= blood_hu + np.float32(rules.sure_share) * (peak - blood_hu)
        near = _within(_touching(free & sure, lesion), reach)
        inside = near & ~others & (hu >= np.maximum(level, np.float32(rules.floor_hu)))
        lesion = _touching(inside, lesion) if (inside & lesion).any() else lesion
    return lesion


def sharpened(hu: Float32, spacing: Spacing, blur_mm: float) -> Float32:
    """The image with part of a Gaussian blur taken back.

    Iterated deconvolution (van Cittert, Z. Phys. 69:298, 1931): of a frequency that the blur
    passes by the share ``h``, ``1 - (1 - h)^4`` is seen after three iterations.

    Parameters
    ----------
    blur_mm : standard deviation of the blur; 0 takes nothing back
    """
    if blur_mm == 0:
        return hu
    sigma = [blur_mm / mm for mm in spacing]
    found = hu
    for _ in range(SHARPENED):
        found = found + (hu - ndimage.gaussian_filter(found, sigma))
    return found


def _without_noise(hu: Float32, spacing: Spacing) -> Float32:
    return np.asarray(ndimage.gaussian_filter(hu, [PEAK_SIGMA_MM / mm for mm in spacing]))


def _recovered(lesion: Mask, spacing: Spacing, blur_mm: float, size: list[int]) -> Float32:
    """Share of its height that is left at the peak of a uniform body as the lesion is."""
    blurred = ndimage.gaussian_filter(lesion.astype(np.float32), [blur_mm / mm for mm in spacing])
    seen = _without_noise(sharpened(blurred, spacing, blur_mm), spacing)
    return np.clip(_peak_near(seen, lesion, size), LEAST_RECOVERED, 1)


def _peak_near(smooth: Float32, lesion: Mask, size: list[int]) -> Float32:
    """The highest value of the lesion near by; ``UNREACHED`` where none is near."""
    peak = ndimage.maximum_filter(np.where(lesion, smooth, NOWHERE), size)
    return np.where(peak > NOWHERE, peak, UNREACHED)


def _surroundings(
    hu: Float32, lesion: Mask, others: Mask, spacing: Spacing, away_mm: float
) -> Float32:
    """What lies beyond the edge: the mean at the nearest voxel that is that far from the lesion."""
    beyond = (ndimage.distance_transform_edt(~lesion, sampling=spacing) >= away_mm) & ~others
    if not beyond.any():
        return hu
    weight = ndimage.uniform_filter(beyond.astype(np.float32), NEIGHBOURS)
    total = ndimage.uniform_filter(np.where(beyond, hu, np.float32(0)), NEIGHBOURS)
    nearest = ndimage.distance_transform_edt(
        ~beyond, sampling=spacing, return_distances=False, return_indices=True
    )
    mean = total / np.maximum(weight, np.float32(1e-6))
    return np.asarray(mean[tuple(nearest)], dtype=np.float32)


def _within(mask: Mask, reach: list[float]) -> Mask:
    """A mask and what is not farther from it than one, in units of ``reach`` along each axis."""
    if not mask.any():
        return mask
    away = ndimage.distance_transform_edt(~mask, sampling=reach)
    return np.asarray(away <= 1 + ROUNDING, dtype=np.bool_)


def _touching(inside: Mask, lesion: Mask) -> Mask:
    """The parts of a mask that hang together with the lesion."""
    parts, count = ndimage.label(inside)
    wanted = np.zeros(count + 1, bool)
    wanted[parts[lesion]] = True
    wanted[0] = False
    return np.asarray(wanted[parts], dtype=np.bool_)
