"""Damage that files take: cut, flipped, overwritten, doubled."""

from __future__ import annotations

from random import Random


def mutate(content: bytes, random: Random, reach: int) -> bytes:
    """Damage the first ``reach`` bytes of a file in one to four ways."""
    data = bytearray(content)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(min(reach, len(data)) or 1)
        kind = random.randrange(6)
        if kind == 0:
            del data[at:]
        elif kind == 1 and data:
            data[at] ^= 1 << random.randrange(8)
        elif kind == 2:
            data[at : at + 4] = random.choice(
                [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f"]
            )
        elif kind == 3:
            del data[at : at + random.randint(1, 40)]
        elif kind == 4:
            data[at:at] = data[at : at + random.randint(1, 60)]
        else:
            data[at : at + 8] = random.randbytes(8)
    return bytes(data)
