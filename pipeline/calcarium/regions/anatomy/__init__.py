"""Where the body, lungs, spine, aorta and heart are, on a coarse grid."""
