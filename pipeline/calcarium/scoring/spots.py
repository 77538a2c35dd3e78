"""Agatston scores of slice components, for many versions of a sparse list of pixels at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calcarium.scoring.conventions import Convention, Threshold
from calcarium.scoring.measure import REFERENCE_SLICE_MM
from calcarium.scoring.pixels import Bool, Pixels, components_of
from calcarium.volume.model import Float64
from calcarium_kernels.contract import InSlice, Int64

HU_DECIMALS = 6  # so that a rescale in floating point moves no value across an edge


@dataclass(frozen=True)
class Setting:
    """What a score is made of, beside its pixels.

    Attributes
    ----------
    length_mm : of each plane
    """

    convention: Convention
    threshold: Threshold
    pixel_area_mm2: float
    length_mm: Float64


@dataclass(frozen=True)
class Spots:
    """Slice components of several versions of some pixels; one element per component.

    Attributes
    ----------
    n_versions : how many versions there are
    version, plane, label : of the component
    area_px, peak_hu : its size and greatest value
    """

    n_versions: int
    version: Int64
    plane: Int64
    label: Int64
    area_px: Int64
    peak_hu: Float64

    @classmethod
    def of(cls, pixels: Pixels, inside: Bool, hu: Float64, connectivity: InSlice) -> Spots:
        """Find the components.

        Parameters
        ----------
        inside : shape (n_versions, n_pixels), which pixels are foreground
        hu : of the same shape
        """
        version, pixel = np.nonzero(inside)
        component = components_of(inside, pixels.neighbours(connectivity))
        first = np.unique(component, return_index=True)[1]
        return cls(
            n_versions=len(inside),
            version=version[first],
            plane=pixels.plane[pixel[first]],
            label=pixels.label[pixel[first]],
            area_px=np.bincount(component),
            peak_hu=_greatest(hu[inside], component),
        )

    def agatston(self, setting: Setting) -> Float64:
        """Agatston score of each component, however small it is; shape (n_components,)."""
        peak = self.peak_hu
        if setting.convention.weight_from == "region_slice":
            group = self.version * len(setting.length_mm) + self.plane
            group = group * (int(self.label.max(initial=0)) + 1) + self.label
            group = np.unique(group, return_inverse=True)[1]
            peak = _greatest(peak, group)[group]
        edges = np.array([float(edge) for edge in setting.threshold.edges])
        weight = np.maximum(np.searchsorted(edges, peak.round(HU_DECIMALS), side="right"), 1)
        area_mm2 = self.area_px * setting.pixel_area_mm2
        return np.asarray(
            area_mm2 * weight * setting.length_mm[self.plane] / REFERENCE_SLICE_MM, np.float64
        )

    def agatston_by_plane(self, setting: Setting) -> Float64:
        """Agatston score of each plane in each version, shape (n_versions, n_planes)."""
        n_planes = len(setting.length_mm)
        place = self.version * n_planes + self.plane
        kept = setting.convention.minimum_size.keeps(self.area_px, setting.pixel_area_mm2)
        scores = self.agatston(setting) * kept
        total = np.bincount(place, scores, minlength=self.n_versions * n_planes)
        return np.asarray(total.reshape(self.n_versions, n_planes))


def _greatest(values: Float64, group: Int64) -> Float64:
    greatest = np.full(int(group.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(greatest, group, values)
    return greatest
