"""Does the card equal numpy on a few volumes?  Run on its own, under a sanitizer.

``python card_check.py N_TRIALS``
"""

from __future__ import annotations

import importlib
import sys

import numpy as np
from same import assert_same_islands

from calcarium_kernels.device import DeviceKernels
from calcarium_kernels.device.cupy_runtime import CupyRuntime
from calcarium_kernels.host import HostKernels
from calcarium_kernels.trials import trials


class Unpooled:
    """Each buffer an allocation of its own, so that the sanitizer sees what leaves it."""

    def __init__(self) -> None:
        self._cuda = importlib.import_module("cupy").cuda

    def malloc(self, n_bytes: int):
        return self._cuda.MemoryPointer(self._cuda.Memory(n_bytes), 0)

    def free_all_blocks(self) -> None:
        pass


def main(n_trials: int) -> None:
    """Raise at the first difference."""
    try:
        runtime = CupyRuntime()
    except RuntimeError as error:
        sys.exit(f"no card to check: {error}")
    runtime._pool = Unpooled()
    card, host = DeviceKernels(runtime), HostKernels()
    for trial in trials(n_trials, seed=7):
        arguments, keywords = trial.arguments()
        assert_same_islands(
            card.islands(*arguments, **keywords), host.islands(*arguments, **keywords), trial.name
        )
        sums = host.block_sum(trial.stored, 3)
        np.testing.assert_array_equal(card.block_sum(trial.stored, 3), sums, trial.name)
    print("equal")


if __name__ == "__main__":
    main(int(sys.argv[1]))
