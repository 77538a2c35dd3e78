"""How large a CT may be before it is taken for a broken or hostile file.

Input is untrusted: a header of a few bytes can ask for terabytes. Each limit
is several times beyond what scanners make.
"""

from __future__ import annotations

MAX_SIDE = 4096  # rows or columns; reconstructions end at 2048
MAX_FRAMES = 20_000  # per file
MAX_VOLUME_BYTES = 8 << 30  # 4,000 slices of 1024 x 1024
MAX_POSITION_MM = 1e5  # any coordinate or spacing
MAX_HEADER_BYTES = 64 << 20  # what an inflated file may hold besides its pixels
