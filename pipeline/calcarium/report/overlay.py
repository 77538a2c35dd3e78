"""One picture of a scan: what counted, what did not, where the heart was taken to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from calcarium.regions.model import COUNTED, Label, Region
from calcarium.scoring.model import Lesions, ScanScores
from calcarium.volume.model import Volume
from calcarium_kernels.contract import Box

Mask = NDArray[np.bool_]
Colour = tuple[int, int, int]

WINDOW_HU = (-150.0, 400.0)
TILE_PX = 360
MAX_TILES = 12
MARGIN_PX = 12
VESSEL_COLOURS: dict[str, Colour] = {
    "LM": (255, 120, 220),
    "LM+LAD": (255, 90, 90),
    "LAD": (255, 90, 90),
    "LCX": (90, 200, 255),
    "RCA": (110, 240, 110),
}
OTHER_VESSEL: Colour = (255, 230, 90)
REJECTED: Colour = (150, 150, 150)
OUTLINE_COLOURS: dict[str, Colour] = {"heart": (70, 110, 220), "aorta": (230, 140, 40)}
BACKGROUND: Colour = (16, 16, 16)
INK: Colour = (235, 235, 235)


@dataclass(frozen=True)
class Tile:
    """One slice to show, with the numbers of the lesions in it."""

    z: int
    lesions: tuple[int, ...]


def overlay(
    volume: Volume,
    region: Region,
    scores: ScanScores,
    frame: Box,
    outlines: Mapping[str, Mask],
    title: Sequence[str],
) -> Image.Image:
    """Draw the slices that decide the score.

    Accepted lesions are outlined in the colour of their artery (thin where doubtful), rejected
    ones in grey with the rule that rejected them.

    Parameters
    ----------
    frame : what is shown of a slice, and the slices to choose from where there is no lesion
    outlines : masks of the frame to outline, by name (heart, aorta)
    title : lines above the slices
    """
    tiles = choose_tiles(scores.lesions, frame)
    columns = min(4, max(1, ceil(sqrt(len(tiles)))))
    rows = ceil(len(tiles) / columns)
    header = 18 * (len(title) + 1)
    picture = Image.new("RGB", (columns * TILE_PX, rows * TILE_PX + header), BACKGROUND)
    draw = ImageDraw.Draw(picture)
    for line, text in enumerate(title):
        draw.text((6, 4 + 18 * line), text, fill=INK, font=ImageFont.load_default(14))
    for number, tile in enumerate(tiles):
        place = (number % columns * TILE_PX, number // columns * TILE_PX + header)
        picture.paste(_draw_tile(volume, region, scores.lesions, frame, outlines, tile), place)
    return picture


def choose_tiles(lesions: Lesions, box: Box) -> list[Tile]:
    """The slices of the weightiest lesions, accepted first; some of the box if there is none."""
    agatston = np.nan_to_num(lesions.agatston)
    ranked = np.lexsort((-agatston, ~lesions.labels.counts))
    worth = ranked[(lesions.labels.counts | (agatston > 0))[ranked]]
    by_slice: dict[int, list[int]] = {}
    for lesion, z in zip(worth.tolist(), lesions.peak_slice[worth].tolist(), strict=True):
        if z in by_slice or len(by_slice) < MAX_TILES:
            by_slice.setdefault(z, []).append(lesion)
    if not by_slice and box.z1 > box.z0:
        steps = np.linspace(box.z0, box.z1 - 1, min(MAX_TILES, box.z1 - box.z0) + 2)[1:-1]
        by_slice = {round(float(z)): [] for z in steps}
    return [Tile(z, tuple(found)) for z, found in sorted(by_slice.items(), reverse=True)]


def _draw_tile(
    volume: Volume,
    region: Region,
    lesions: Lesions,
    frame: Box,
    outlines: Mapping[str, Mask],
    tile: Tile,
) -> Image.Image:
    _, rows, columns = volume.geometry.shape
    y0, y1 = max(0, frame.y0 - MARGIN_PX), min(rows, frame.y1 + MARGIN_PX)
    x0, x1 = max(0, frame.x0 - MARGIN_PX), min(columns, frame.x1 + MARGIN_PX)
    hu = volume.hu((slice(tile.z, tile.z + 1), slice(y0, y1), slice(x0, x1)))[0]
    grey = np.clip((hu - WINDOW_HU[0]) / (WINDOW_HU[1] - WINDOW_HU[0]), 0, 1) * 255
    scale = TILE_PX / max(grey.shape)
    size = (round(grey.shape[1] * scale), round(grey.shape[0] * scale))
    image = Image.fromarray(grey.astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    canvas = np.array(image.convert("RGB"))
    for name, mask in outlines.items():
        offset = (frame.y0 - y0, frame.x0 - x0)
        plane = _placed(mask[tile.z - frame.z0], offset, grey.shape)
        _paint(canvas, plane, OUTLINE_COLOURS.get(name, INK), width=1)
    if region.labels is not None and region.box.z0 <= tile.z < region.box.z1:
        labels = np.asarray(region.labels)[tile.z - region.box.z0]
        offset = (region.box.y0 - y0, region.box.x0 - x0)
        for value in np.unique(labels[labels > 0]).tolist():
            label = region.meaning.get(value, Label("unassigned"))
            plane = _placed(labels == value, offset, grey.shape)
            width = 2 if label.standing == "accepted" else 1
            _paint(canvas, plane, _colour(label.vessel, label.standing in COUNTED), width)
    out = Image.new("RGB", (TILE_PX, TILE_PX), BACKGROUND)
    out.paste(Image.fromarray(canvas), (0, 0))
    _write_words(out, lesions, tile, volume, (y0, x0), scale)
    return out


def _placed(mask: Mask, offset: tuple[int, int], shape: tuple[int, ...]) -> Mask:
    plane = np.zeros(shape, dtype=bool)
    plane[offset[0] : offset[0] + mask.shape[0], offset[1] : offset[1] + mask.shape[1]] = mask
    return plane


def _paint(canvas: NDArray[np.uint8], plane: Mask, colour: Colour, width: int) -> None:
    """Outline a mask just outside its edge, at the size of the picture."""
    size = (canvas.shape[1], canvas.shape[0])
    large = np.array(Image.fromarray(plane).resize(size, Image.Resampling.NEAREST))
    edge = ndimage.binary_dilation(large, iterations=width) & ~large
    canvas[edge] = colour


def _write_words(
    out: Image.Image,
    lesions: Lesions,
    tile: Tile,
    volume: Volume,
    corner: tuple[int, int],
    scale: float,
) -> None:
    draw = ImageDraw.Draw(out)
    font = ImageFont.load_default(12)
    position = volume.geometry.slice_position_mm[tile.z]
    draw.text((4, 4), f"slice {tile.z}  {position:.1f} mm", fill=INK, font=font)
    labels, agatston = lesions.labels, np.nan_to_num(lesions.agatston)
    for i in tile.lesions[:6]:
        y, x = _in_plane(volume, tile.z, lesions.centroid_mm[i])
        words = f"{labels.vessel[i]} {agatston[i]:.0f}"
        if not labels.counts[i]:
            words = labels.rejected_by[i] or labels.standing[i]
        place = (min(TILE_PX - 90, (x - corner[1]) * scale + 8), (y - corner[0]) * scale - 14)
        draw.text(place, words, fill=_colour(labels.vessel[i], labels.counts[i]), font=font)


def _in_plane(volume: Volume, z: int, centroid_mm: NDArray[np.float64]) -> tuple[float, float]:
    """Row and column of a lesion's centroid in a slice."""
    geometry = volume.geometry
    away = centroid_mm - geometry.origin_mm[z]
    row = float(away @ np.asarray(geometry.column_direction)) / geometry.row_spacing_mm
    column = float(away @ np.asarray(geometry.row_direction)) / geometry.column_spacing_mm
    return row, column


def _colour(vessel: str, counted: bool) -> Colour:
    return VESSEL_COLOURS.get(vessel, OTHER_VESSEL) if counted else REJECTED
