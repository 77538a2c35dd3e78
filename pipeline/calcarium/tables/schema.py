"""Every column of every table: name, type, unit, meaning. The one place that says so.

The Arrow schemas, ``data_dictionary.csv`` and ``docs/tables.md`` are made from
:data:`TABLES`. Two marks need words:

*stamped* columns say which run, software and machine made a row. The code that
scores leaves them out; :func:`calcarium.tables.stamp.stamp` fills them in, in
one place, when the rows reach the table.

*volatile* columns may differ between two runs that found the same: times, hosts,
attempts. What makes two rows equal (to continue, to compare, to test) leaves
them out.
"""

from __future__ import annotations

from calcarium.tables.columns import Column, Table, count, flag, identifier, real, text
from calcarium.tables.feature_columns import FEATURES
from calcarium.tables.interpretation_columns import INTERPRETATION
from calcarium.tables.rows import TableName
from calcarium.tables.shared_columns import (
    AMOUNTS,
    BOUNDS,
    CONVENTION,
    FINDINGS,
    MADE_BY,
    OUTCOME,
    REASON,
    REASON_GROUP,
    REGION_SOURCE,
    RUN_ID,
    SCAN_ID,
    SCORE_TYPE,
    STUDY_ID,
    THRESHOLD_FREE,
    VOLUME_INTERPOLATED,
)

VESSEL_COLUMNS = ("LM", "LAD", "LCX", "RCA", "LM_LAD", "unassigned")

STUDIES = Table(
    "studies",
    "study requested or found",
    ("study_id",),
    (
        STUDY_ID,
        text("patient_key", "Keyed hash of PatientID; the secret is in private/"),
        OUTCOME,
        REASON,
        REASON_GROUP,
        count("n_scans", "Scans found in the study"),
        count("n_scored", "Scans scored"),
        text("gated_scan_id", "Scan chosen for the class gated"),
        text("nongated_scan_id", "Scan chosen for the class nongated"),
        text("contrast_scan_id", "Scan chosen for the class contrast"),
        text("primary_scan_id", "Scan whose score stands in this row"),
        text("convention", "Convention of the score in this row"),
        SCORE_TYPE,
        *AMOUNTS,
        VOLUME_INTERPOLATED,
        *BOUNDS,
        *THRESHOLD_FREE,
        *FINDINGS,
        *(real(f"agatston_{v}", "1", f"Agatston score of {v}") for v in VESSEL_COLUMNS),
        *INTERPRETATION,
        real("age_years", "a", "Age at the study"),
        text("sex", "F, M or O"),
        Column("study_year", "int64", "Year of the study", "a"),
        REGION_SOURCE,
        text("flags", "Checks of the primary scan that warn or fail, joined by ;"),
        *MADE_BY,
    ),
)

SERIES = Table(
    "series",
    "scan: the ledger",
    ("scan_id",),
    (
        SCAN_ID,
        STUDY_ID,
        OUTCOME,
        REASON,
        REASON_GROUP,
        text("stage", "Where it ended if it failed: intake, select, volume, region, score ..."),
        text("error", "Class of the error if it failed; its message is in private/"),
        text("scan_class", "gated, nongated or contrast"),
        text("gated", "yes, no or unknown"),
        text("gated_evidence", "What says so"),
        text("contrast", "yes, no or unknown"),
        text("contrast_evidence", "What says so"),
        text("modality", "Modality"),
        text("manufacturer", "Manufacturer"),
        text("manufacturer_model", "ManufacturerModelName"),
        text("convolution_kernel", "ConvolutionKernel"),
        text("filter_type", "FilterType"),
        real("kvp", "kV", "Tube voltage"),
        real("tube_current_ma", "mA", "Tube current"),
        real("ctdi_vol_mgy", "mGy", "CTDIvol"),
        real("heart_rate_bpm", "1/min", "Heart rate"),
        real("cardiac_phase_percent", "%", "Phase of the R-R interval"),
        real("slice_thickness_mm", "mm", "SliceThickness; never used to measure"),
        real("slice_increment_mm", "mm", "Measured median distance between slices"),
        real("row_spacing_mm", "mm", "Distance between rows"),
        real("column_spacing_mm", "mm", "Distance between columns"),
        count("rows", "Rows of a slice"),
        count("columns", "Columns of a slice"),
        count("n_slices", "Slices"),
        count("n_files", "Files"),
        real("fov_mm", "mm", "ReconstructionDiameter"),
        real("coverage_mm", "mm", "Measured length from the first to the last slice"),
        real("shear_deg", "degree", "Measured angle between normal and line of slice origins"),
        text("transfer_syntax_uid", "TransferSyntaxUID"),
        flag("lossy", "The pixels went through lossy compression"),
        *MADE_BY,
        Column("attempts", "int64", "Times it was tried", "count", volatile=True, stamped=True),
        Column("finished_at", "string", "When, UTC, ISO 8601", volatile=True, stamped=True),
        Column("study_s", "double", "Time for its whole study", "s", volatile=True, stamped=True),
        Column("host", "string", "Machine that worked on it", volatile=True, stamped=True),
    ),
)

SCORES = Table(
    "scores",
    "scan x convention",
    ("scan_id", "convention"),
    (
        SCAN_ID,
        STUDY_ID,
        CONVENTION,
        SCORE_TYPE,
        flag("is_primary", "The protocol's primary convention", nullable=False),
        *AMOUNTS,
        VOLUME_INTERPOLATED,
        *BOUNDS,
        *THRESHOLD_FREE,
        *FINDINGS,
        text("mass_calibration", "Where the mass factor came from: patient, device, protocol"),
        real("mass_factor_mg_per_cm3_hu", "mg/cm3/HU", "Calibration factor of the mass"),
        real("threshold_hu", "HU", "Threshold"),
        REGION_SOURCE,
        text("region_sha256", "Hash of what the region was made from"),
        *MADE_BY,
    ),
)

VESSELS = Table(
    "vessels",
    "scan x convention x artery",
    ("scan_id", "convention", "vessel"),
    (
        SCAN_ID,
        STUDY_ID,
        CONVENTION,
        identifier("vessel", "LM, LAD, LCX, RCA, LM+LAD, unassigned, or a free name of the region"),
        *AMOUNTS,
        VOLUME_INTERPOLATED,
        count("n_lesions", "3-D lesions that count"),
        RUN_ID,
    ),
)

LESIONS = Table(
    "lesions",
    "3-D lesion, accepted or rejected",
    ("scan_id", "convention", "lesion_id"),
    (
        SCAN_ID,
        STUDY_ID,
        CONVENTION,
        Column("lesion_id", "int64", "Number in raster order of the first voxel", nullable=False),
        text("vessel", "Artery"),
        flag("accepted", "It counts in the score", nullable=False),
        text("standing", "accepted, doubtful, possible or rejected"),
        text("rejected_by", "Rule that rejected it"),
        real("confidence", "1", "How sure the region source is, 0 to 1"),
        *AMOUNTS,
        Column("n_voxels", "int64", "Voxels", "count"),
        real("area_mm2", "mm2", "Sum of its areas over slices"),
        real("peak_hu", "HU", "Greatest value"),
        real("mean_hu", "HU", "Mean value"),
        real("centroid_x_mm", "mm", "Centroid, patient L (DICOM x)"),
        real("centroid_y_mm", "mm", "Centroid, patient P (DICOM y)"),
        real("centroid_z_mm", "mm", "Centroid, patient S (DICOM z)"),
        Column("slice_first", "int64", "Index of its first slice, from 0", "slice"),
        Column("slice_last", "int64", "Index of its last slice, from 0", "slice"),
        text("peak_sop_instance_uid", "SOPInstanceUID of the slice with the greatest value"),
        *FEATURES.values(),
        RUN_ID,
    ),
)

QUALITY = Table(
    "quality",
    "scan x check",
    ("scan_id", "check"),
    (
        SCAN_ID,
        STUDY_ID,
        identifier("check", "Key of the registry of checks"),
        real("value", "see unit", "What was measured"),
        text("text", "What was read, where it is no number"),
        text("unit", "Unit of value"),
        identifier("status", "pass, warn, fail, or unknown where an input is missing"),
        text("source", "Where the limit comes from"),
        RUN_ID,
    ),
)

VOXELS = Table(
    "voxels",
    "scored scan, private, if --voxels was given: what rescore needs",
    ("scan_id",),
    (
        SCAN_ID,
        STUDY_ID,
        real("base_hu", "HU", "Lowest threshold that can be scored from it"),
        text("facts_json", "Header values, covariates and checks that a score depends on"),
        Column("packed", "binary", "Voxels of the region from base_hu up, packed"),
        RUN_ID,
    ),
)

LINKS = Table(
    "links",
    "scan, private: whose it is and where it lies",
    ("scan_id",),
    (
        SCAN_ID,
        STUDY_ID,
        text("folder", "Folder that holds all of its files"),
        text("first_url", "First file"),
        text("patient_id", "PatientID"),
        text("patient_name", "PatientName"),
        text("patient_birth_date", "PatientBirthDate"),
        text("accession_number", "AccessionNumber"),
        text("study_date", "StudyDate"),
        text("series_date", "SeriesDate"),
        text("study_description", "StudyDescription"),
        text("series_description", "SeriesDescription"),
        RUN_ID,
    ),
)

MESSAGES = Table(
    "messages",
    "thing said about a scan or study, private: it may name files",
    ("study_id", "scan_id"),
    (
        STUDY_ID,
        text("scan_id", "Scan; empty where it is about the whole study"),
        OUTCOME,
        text("stage", "Where it was said"),
        text("error", "Class of the error, or reason of the exclusion"),
        text("message", "What was said"),
        Column("traceback", "string", "Where in the code", volatile=True),
        RUN_ID,
    ),
)

TABLES: dict[TableName, Table] = {
    table.name: table
    for table in (STUDIES, SERIES, SCORES, VESSELS, LESIONS, QUALITY, VOXELS, LINKS, MESSAGES)
}
