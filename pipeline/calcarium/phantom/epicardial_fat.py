"""The fat between heart and pericardium, and how deep in it a vessel runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calcarium.phantom.model import Float64
from calcarium.phantom.shapes import Capsule, Shape, Union, normals, tube
from calcarium.phantom.vessels import GreatVessels

# engineering choices: the least between a vessel's wall and the sac, the most above the heart
BELOW_PERICARDIUM_MM, HIGHEST_MM = 1.0, 9.0
MOST_STEP_MM = 4.0


@dataclass(frozen=True)
class EpicardialFat:
    """What lies between two surfaces.

    Attributes
    ----------
    floor : chambers, and the great vessels above them
    roof : inner face of the pericardium
    """

    floor: Shape
    roof: Shape

    @classmethod
    def of(cls, vessels: GreatVessels) -> EpicardialFat:
        """The fat of one heart."""
        trunk, _, right = vessels.pulmonary
        pieces: list[Capsule] = tube(trunk.path[::3], trunk.radii)
        pieces += tube(right.path[::4], right.radii)
        pieces += tube(vessels.ascending.path[::4], vessels.ascending.radii)
        floor = Union((vessels.heart.muscle, *pieces), blend_mm=4.0)
        return cls(floor, vessels.heart.pericardium)

    def settled(
        self, path: Float64, radius_mm: Float64, level: Float64 | float, rounds: int = 2
    ) -> Float64:
        """A course moved along the surface normal to a level of the fat.

        Parameters
        ----------
        path : shape (n, 3), patient millimetres; as what is returned
        radius_mm : of the vessel, shape (n,)
        level : one, or shape (n,); 0 where the vessel touches the floor, 1 where it comes as near
            to the roof as a vessel may. Where the fat is thinner than the vessel, it sinks into the
            floor
        rounds : steps towards it
        """
        for _ in range(rounds):
            here = self.floor.distance(*path.T).astype(np.float64)
            thickness = here - self.roof.distance(*path.T)
            highest = np.maximum(thickness - radius_mm - BELOW_PERICARDIUM_MM, -radius_mm)
            room = np.minimum(highest - radius_mm, HIGHEST_MM)
            wanted = np.minimum(radius_mm + level * room, highest)
            step = np.clip(wanted - here, -MOST_STEP_MM, MOST_STEP_MM)
            path = path + step[:, None] * normals(self.floor, path)
        return path
