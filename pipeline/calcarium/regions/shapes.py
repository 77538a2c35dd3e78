"""Regions of phantoms: cylinders, spheres and boxes in patient millimetres, from a TOML file.

::

    [frame]
    origin_mm = [0.0, 0.0, -50.0]     # added to every centre

    [[shape]]
    name = "LAD"
    label = 2
    kind = "cylinder"                 # or "sphere" (radius_mm) or "box" (size_mm)
    centre_mm = [10.0, 0.0, 12.5]
    axis = [0.0, 0.0, 1.0]
    radius_mm = 5.0
    length_mm = 6.0

Coordinates are DICOM's patient coordinates (LPS). A voxel belongs to a shape if its centre is
inside or on the surface; where shapes overlap, to the one that the file names last.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, PositiveFloat, ValidationError

from calcarium.config.keys import Section
from calcarium.config.load import configs_dir
from calcarium.errors import ScanExcluded, UsageError
from calcarium.regions.boxes import box_between, labelled_bounds, part_of, to_voxel
from calcarium.regions.model import Label, Region
from calcarium.volume.model import Float64, Geometry
from calcarium_kernels.contract import Box as VoxelBox

Triple: TypeAlias = tuple[float, float, float]
Inside: TypeAlias = NDArray[np.bool_]

# A centre on the surface is inside, whatever the last bits of its coordinates say.
SURFACE_MM = 1e-6


def _not_zero(axis: Triple) -> Triple:
    if not any(axis):
        raise ValueError("an axis needs a direction")
    return axis


class _Shape(Section):
    name: str
    label: int = Field(ge=1, le=65535)
    centre_mm: Triple


class Cylinder(_Shape):
    """A right circular cylinder round an axis through its centre."""

    kind: Literal["cylinder"]
    axis: Annotated[Triple, AfterValidator(_not_zero)]
    radius_mm: PositiveFloat
    length_mm: PositiveFloat

    @property
    def reach_mm(self) -> float:
        """Radius of a ball round the centre that holds the shape."""
        return float(np.hypot(self.radius_mm, self.length_mm / 2))

    def holds(self, offset_mm: Float64) -> Inside:
        """Which points lie inside, from their offsets (..., 3) to the centre."""
        axis = np.asarray(self.axis) / np.linalg.norm(self.axis)
        along = offset_mm @ axis
        across = np.linalg.norm(offset_mm - along[..., None] * axis, axis=-1)
        return np.asarray(
            (np.abs(along) <= self.length_mm / 2 + SURFACE_MM)
            & (across <= self.radius_mm + SURFACE_MM)
        )


class Sphere(_Shape):
    """A ball."""

    kind: Literal["sphere"]
    radius_mm: PositiveFloat

    @property
    def reach_mm(self) -> float:
        """Radius of a ball round the centre that holds the shape."""
        return self.radius_mm

    def holds(self, offset_mm: Float64) -> Inside:
        """Which points lie inside, from their offsets (..., 3) to the centre."""
        return np.asarray(np.linalg.norm(offset_mm, axis=-1) <= self.radius_mm + SURFACE_MM)


class Cuboid(_Shape):
    """A box along the patient's axes."""

    kind: Literal["box"]
    size_mm: tuple[PositiveFloat, PositiveFloat, PositiveFloat]

    @property
    def reach_mm(self) -> float:
        """Radius of a ball round the centre that holds the shape."""
        return float(np.linalg.norm(self.size_mm)) / 2

    def holds(self, offset_mm: Float64) -> Inside:
        """Which points lie inside, from their offsets (..., 3) to the centre."""
        half = np.asarray(self.size_mm) / 2 + SURFACE_MM
        return np.asarray((np.abs(offset_mm) <= half).all(axis=-1))


Shape: TypeAlias = Annotated[Cylinder | Sphere | Cuboid, Field(discriminator="kind")]


class _Frame(Section):
    origin_mm: Triple = (0.0, 0.0, 0.0)


class _File(Section):
    description: str = ""
    frame: _Frame = _Frame()
    shape: tuple[Shape, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Shapes:
    """Shapes in patient millimetres, and the hash of the file that they come from."""

    shapes: tuple[Cylinder | Sphere | Cuboid, ...]
    origin_mm: Triple
    sha256: str


@lru_cache(maxsize=8)
def load_shapes(name_or_file: str) -> Shapes:
    """Load a file of shapes, or one of the shipped ones by its name.

    Raises
    ------
    UsageError
        if it does not exist or is not understood
    """
    shipped = configs_dir() / "shapes" / f"{name_or_file}.toml"
    path = shipped if shipped.is_file() else Path(name_or_file)
    try:
        content = path.read_bytes()
        table = tomllib.loads(content.decode())
        file = _File.model_validate_json(json.dumps(table))
    except FileNotFoundError as error:
        known = ", ".join(sorted(p.stem for p in shipped.parent.glob("*.toml"))) or "none"
        raise UsageError(f"there are no shapes {name_or_file!r} (shipped: {known})") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path}: {where}: {first['msg']}") from error
    _refuse_two_names(file.shape, path)
    return Shapes(file.shape, file.frame.origin_mm, hashlib.sha256(content).hexdigest())


def shapes_region(
    shapes: Shapes, geometry: Geometry, rule: Literal["clip", "select"] = "clip"
) -> Region:
    """The voxels of a scan whose centres lie in a shape.

    Raises
    ------
    ScanExcluded
        ``mask_mismatch`` if there is no such voxel
    """
    labels = np.zeros(geometry.shape, dtype=np.uint16)
    for shape in shapes.shapes:
        centre_mm = np.asarray(shape.centre_mm) + shapes.origin_mm
        box = _box_round(centre_mm, shape.reach_mm, geometry)
        inside = shape.holds(_centres_mm(box, geometry) - centre_mm)
        labels[box.slices][inside] = shape.label
    bounds = labelled_bounds(labels)
    if not labels[bounds].size:
        raise ScanExcluded("mask_mismatch", "no voxel of the scan lies in a shape")
    return Region(
        part_of(VoxelBox.whole(geometry.shape), bounds),
        np.ascontiguousarray(labels[bounds]),
        {shape.label: Label(shape.name) for shape in shapes.shapes},
        rule,
        "shapes",
        shapes.sha256,
    )


def _centres_mm(box: VoxelBox, geometry: Geometry) -> Float64:
    first = np.array([box.z0, box.y0, box.x0])
    index = np.indices(box.shape).reshape(3, -1).T + first
    return geometry.to_patient_mm(index.astype(np.float64)).reshape(*box.shape, 3)


def _box_round(centre_mm: Float64, reach_mm: float, geometry: Geometry) -> VoxelBox:
    """Box of all voxels whose centres can lie within ``reach_mm`` of a point."""
    centre = to_voxel(geometry, centre_mm[None])[0]
    # In-plane indices count from the slice's own origin, which wanders by tan(shear) per mm.
    # Two voxels more, as single slices may stray.
    lean = 1 + np.tan(np.radians(geometry.shear_deg))
    size_mm = geometry.spacing_zyx_mm
    reach = reach_mm * lean / np.array(size_mm) + 2
    return box_between(centre - reach, centre + reach, geometry)


def _refuse_two_names(shapes: tuple[Cylinder | Sphere | Cuboid, ...], path: Path) -> None:
    names: dict[int, str] = {}
    for shape in shapes:
        if names.setdefault(shape.label, shape.name) != shape.name:
            raise UsageError(
                f"{path}: label {shape.label} is {names[shape.label]!r} and {shape.name!r}"
            )
