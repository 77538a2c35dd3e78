"""Where is coronary calcium? Masks, shapes, networks, the embedded detector."""
