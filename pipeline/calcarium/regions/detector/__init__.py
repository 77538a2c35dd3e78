"""Which bright voxels of the heart are coronary calcium, by rules with a reason each."""
