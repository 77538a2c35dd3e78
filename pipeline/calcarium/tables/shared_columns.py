"""Columns that stand in more than one table."""

from __future__ import annotations

from calcarium.tables.columns import Column, count, flag, identifier, real, text

STUDY_ID = identifier(
    "study_id",
    "StudyInstanceUID, or a hash of headers where it is missing; missing-... and unreadable-... "
    "where there is no study",
)
SCAN_ID = identifier(
    "scan_id", "SeriesInstanceUID, with /2, /3 ... where one was split; a hash where it is missing"
)
CONVENTION = identifier("convention", "Named rule set that made the score; part of the key")
OUTCOME = identifier("outcome", "scored, excluded or failed")
REASON = text("reason", "Why it was excluded: code of the registry of reasons")
REASON_GROUP = text("reason_group", "not_ct, ineligible, not_selected or unscorable")
SCORE_TYPE = text("score_type", "gated, nongated; on contrast CT cta_volume or cta_derived")
REGION_SOURCE = text("region_source", "Where the region came from: mask, shapes, whole, ...")

RUN_ID = Column("run_id", "string", "The run that wrote the row", volatile=True, stamped=True)
MADE_BY = (
    RUN_ID,
    Column("protocol_hash", "string", "Hash of the resolved protocol", stamped=True),
    Column("calcarium_version", "string", "Version of the software", stamped=True),
    Column("backend", "string", "numpy or cupy: the same numbers", volatile=True, stamped=True),
)
AMOUNTS = (
    real("agatston", "1", "Agatston score"),
    real("volume_mm3", "mm3", "Volume of the voxels that count"),
    real("mass_mg", "mg", "Calcium mass; empty without a calibration factor"),
)
BOUNDS = (
    real("agatston_low", "1", "Agatston score without what is doubtful"),
    real("agatston_high", "1", "Agatston score with what is possible"),
    real("agatston_rejected", "1", "Agatston score of the rejected candidates: an upper bound"),
    real(
        "agatston_measurement_low",
        "1",
        "Least score over connectivity, least size, first slice and noise; primary convention only",
    ),
    real("agatston_measurement_high", "1", "Greatest score over these"),
    text(
        "agatston_measurement_cause",
        "What moves it most: connectivity, minimum_size, start or noise; empty if nothing does",
    ),
    real(
        "agatston_without_suspected_device", "1", "Agatston score without lesions bright as metal"
    ),
)
VOLUME_INTERPOLATED = real(
    "volume_interpolated_mm3", "mm3", "Volume after interpolation between voxels"
)
THRESHOLD_FREE = (
    real("spatially_weighted_score", "1", "Liang 2012, by the user's rod of 100 mg/cm3; never 0"),
    real("integrated_mass_mg", "mg", "Mass by integrated intensity, by the user's rod"),
)
FINDINGS = (
    count("n_lesions", "3-D lesions that count"),
    count("n_vessels", "Arteries of LM, LAD, LCX, RCA with calcium"),
    flag("detected", "The score before any rounding is above 0"),
)
