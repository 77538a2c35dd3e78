"""The secret of a result folder, with which its patient keys are made."""

from __future__ import annotations

import secrets

from calcarium.tables.folder import ResultFolder

SECRET = ("private", "patient_key.secret")


def patient_secret(folder: ResultFolder) -> bytes:
    """The 32 secret bytes of a result folder; made at the first call, and kept."""
    if not folder.exists(*SECRET):
        folder.write(secrets.token_hex(32).encode(), *SECRET)
    return bytes.fromhex(folder.read(*SECRET).decode())
