"""The numpy backend: islands of runs, never a dense label image.

Foreground is 1-4 % of a CT, and it comes in horizontal stretches.  So a volume
is turned into *runs* slice by slice (:mod:`.runs`), runs are united to islands
and islands to lesions as graphs (:mod:`.unite`), and each island is measured
from its runs (:mod:`.measure`).  Working memory is about one slice plus the runs.
"""

from __future__ import annotations

from calcarium_kernels.host.kernels import HostKernels
from calcarium_kernels.host.lesion_voxels import LesionVoxels, foreground_voxels, lesion_voxels

__all__ = ["HostKernels", "LesionVoxels", "foreground_voxels", "lesion_voxels"]
