"""What stands for a patient in a table that is shared."""

from __future__ import annotations

import hashlib
import hmac


def patient_key(patient_id: str | None, secret: bytes) -> str | None:
    """Keyed hash of PatientID: the same patient has the same key, and no one can go back.

    Parameters
    ----------
    patient_id : as in the header; ``None`` or blank gives ``None``
    secret : made once per result folder and kept in its private part

    Returns
    -------
    first 16 hex digits of HMAC-SHA256
    """
    if patient_id is None or not patient_id.strip():
        return None
    return hmac.new(secret, patient_id.strip().encode(), hashlib.sha256).hexdigest()[:16]
