"""Files to stored integers with their geometry and rescale."""
