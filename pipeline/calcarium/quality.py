"""Caveats of a scan that was scored: a check, its value, and whether it passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Status: TypeAlias = Literal["pass", "warn", "fail", "unknown"]


@dataclass(frozen=True)
class QualityRow:
    """One check on one scan.

    Attributes
    ----------
    check : key of :data:`CHECKS`
    status : ``unknown`` where an input is missing, so that the check could not be made
    value : what was measured; ``None`` where it could not be
    text : what was read, where it is no number; never a name, date or path
    """

    check: str
    status: Status
    value: float | None = None
    text: str = ""


@dataclass(frozen=True)
class Check:
    """What a check asks, the unit of its value, and where its limit comes from."""

    asks: str
    unit: str
    source: str


CHECKS: dict[str, Check] = {
    "kvp_threshold": Check(
        "Has the tube voltage a published threshold?",
        "kV",
        "threshold sets of the protocol (FQM, Graeni 2018, BRAINSia)",
    ),
    "gating": Check(
        "Do the tags say that the scan was ECG-gated?", "", "DICOM cardiac synchronization tags"
    ),
    "kernel": Check(
        "Is the reconstruction kernel a known soft one?", "", "DeepCAC soft-to-hard order"
    ),
    "field_of_view": Check(
        "How wide was the image reconstructed? No limit is published.", "mm", "DICOM (0018,1100)"
    ),
    "heart_rate": Check("How fast did the heart beat?", "1/min", "DICOM (0018,1088)"),
    "cardiac_phase": Check("At which part of the R-R interval?", "%", "DICOM (0020,9241)"),
    "ctdi_vol": Check(
        "Which dose index is told? The text says whether by the header or by a dose report. No "
        "limit is set.",
        "mGy",
        "DICOM (0018,9345); Mean CTDIvol of a Radiation Dose SR",
    ),
    "dose_length_product": Check(
        "Which dose does the study's Radiation Dose SR tell of this scan? The text says how it was "
        "matched; a warning means that it is the dose of the whole study.",
        "mGy cm",
        "DLP of the irradiation event (DICOM TID 10013)",
    ),
    "effective_dose": Check(
        "Which effective dose is that? The text says the k that was used. No limit is set.",
        "mSv",
        "k x dose length product; dose.msv_per_mgy_cm",
    ),
    "slice_increment": Check(
        "Is the slice increment near the one that the score was defined at?",
        "mm",
        "Agatston 1990: 3 mm; vendors' calcium protocols 2.5-3 mm",
    ),
    "slice_spacing": Check(
        "Does SpacingBetweenSlices agree with the measured distance of the slices?",
        "mm",
        "DICOM (0018,0088), measured from (0020,0032)",
    ),
    "slice_overlap": Check(
        "Is SliceThickness at least the measured increment, so that no tissue is left out?",
        "mm",
        "DICOM (0018,0050), measured from (0020,0032)",
    ),
    "gantry_tilt": Check(
        "Do the slices lie square to the line of their positions?", "degree", "DICOM (0020,0032)"
    ),
    "gantry_tilt_tag": Check(
        "Does GantryDetectorTilt agree with the positions?", "degree", "DICOM (0018,1120)"
    ),
    "missing_slices": Check("Are all slices there?", "slices", "volume.missing_slices"),
    "varying_increment": Check(
        "Are all slices at one distance? The value is the range.",
        "mm",
        "volume.varying_increment",
    ),
    "duplicate_slices": Check(
        "Is each slice there once? Copies with the same pixels are dropped.", "slices", ""
    ),
    "bright_padding": Check(
        "Is PixelPaddingValue darker than tissue? Otherwise padding at the border becomes air.",
        "voxels",
        "DICOM (0028,0120)",
    ),
    "unused_bits": Check(
        "Are the bits beyond BitsStored free of overlays and the like? They are cleared.",
        "slices",
        "DICOM PS3.5, 8.1.1",
    ),
    "mixed_rescale": Check(
        "How many different rescale slopes and intercepts are there?", "", "DICOM (0028,1053)"
    ),
    "rescale_type": Check("Does RescaleType say HU?", "", "DICOM (0028,1054)"),
    "lossy_compression": Check(
        "Are the pixels free of lossy compression?", "", "DICOM (0028,2110), transfer syntax"
    ),
    "mass_calibration": Check(
        "Is there a calibration factor for the mass?", "mg/cm3/HU", "DICOM (0018,9351), protocol"
    ),
    "region_is_coronary": Check(
        "Is the score limited to the coronary arteries?", "", "region of the protocol"
    ),
    "heart_volume": Check(
        "Is the detected heart region as large as a heart?", "ml", "detector.doubt.heart_ml"
    ),
    "heart_cut": Check("Does the scan hold the whole heart? The text says what is cut.", "", ""),
    "aorta_seen": Check(
        "Was the ascending aorta found, so that its wall is told from an artery?",
        "",
        "detector.aorta",
    ),
    "spine_seen": Check("Was the spine found, from which places are measured?", "", ""),
    "image_noise": Check(
        "Is the noise in the heart low enough for small lesions?", "HU", "detector.doubt.noise_hu"
    ),
    "blood_hu": Check(
        "Is the aorta as bright as blood without contrast?",
        "HU",
        "detector.doubt.blood_hu",
    ),
    "blood_noise": Check(
        "Which standard deviation has the blood of the aorta? No limit is published.",
        "HU",
        "measured within 0.6 of the aorta's radius",
    ),
    "air_hu": Check(
        "Is the air in front of the patient as dark as air?", "HU", "detector.doubt.air_hu"
    ),
    "air_noise": Check(
        "Which standard deviation has that air? No limit is published.",
        "HU",
        "half above the median, as files cut off below -1024 HU",
    ),
    "false_pixels": Check(
        "How many voxels of blood are expected to reach the threshold by noise alone, if all of "
        "the heart region were blood? No limit is published.",
        "voxels",
        "identity: voxels x (1 - Phi((threshold - blood_hu) / blood_noise))",
    ),
    "patient_width": Check(
        "How wide is the body at the heart? The text says the size class.",
        "mm",
        "DICOM CID 7042: lateral thickness below 32.0 cm, 32.0-38.0 cm, above 38.0 cm",
    ),
    "blood_contrast": Check(
        "Is the soft tissue free of contrast? The value is its share above 110 HU.",
        "",
        "detector.doubt.contrast_share",
    ),
    "blood_pool": Check(
        "How bright is the blood that sets the threshold? The text holds SD and voxels.",
        "HU",
        "aorta, within contrast.eroded_share of its radius",
    ),
    "metal": Check(
        "Is the heart free of metal? The value is the number of pieces.",
        "",
        "detector.candidate.metal_hu",
    ),
    "suspected_device": Check(
        "Is no counted lesion as bright as metal? The value is their number; the score without "
        "them is `agatston_without_suspected_device`.",
        "",
        "scoring.device_hu",
    ),
    "patient_orientation": Check(
        "Do liver and aorta lie where the header's orientation puts them?", "", "detector.doubt"
    ),
    "score_certainty": Check(
        "Is the score's category the same without doubtful and with possible lesions? The value "
        "is the difference of both scores.",
        "Agatston",
        "detector.standing",
    ),
    "mask_overlap": Check(
        "Does the scan hold all labelled voxels of the mask?", "1", "regions.masks.FULL_OVERLAP"
    ),
    "mask_grid": Check("Has the mask the voxels of the scan, or was it resampled?", "", ""),
    "interpretation": Check("Is there a coronary Agatston score to interpret?", "", ""),
    "reference_class": Check(
        "Is the scan of the kind that the references were made from?",
        "",
        "McClelland 2006, 2009, 2015 and Hoff 2001: gated scans without contrast",
    ),
    "percentile_mesa": Check(
        "Are age (45-84), sex and race known for a percentile?", "a", "McClelland 2006"
    ),
    "percentile_hoff": Check("Are age and sex known for a band of percentiles?", "a", "Hoff 2001"),
    "risk_mesa": Check(
        "Are age (45-85) and all risk factors known for a risk?", "a", "McClelland 2015"
    ),
    "guideline_rules": Check(
        "Is everything known that decides a guideline rule?", "", "rules named in the text"
    ),
    "age_conflict": Check("Do the sources of the age agree within a year?", "a", ""),
    "sex_conflict": Check("Do header and covariate table agree on the sex?", "", ""),
    "age_low_yield": Check(
        "Is a man at least 40, a woman at least 50, so that calcium is to be expected?",
        "a",
        "patient information on calcium scans",
    ),
    "age_most_informative": Check(
        "Is a man 40-60, a woman 35-70, where a scan informs most?",
        "a",
        "patient information on calcium scans",
    ),
    "age_high_ceiling": Check(
        "Is a man at most 80? Above, nearly all scores are high.",
        "a",
        "patient information on calcium scans",
    ),
    "age_guideline": Check(
        "Is the age 40-75, for which the guideline is (76-80 only for a score of 0)?",
        "a",
        "National Lipid Association 2020",
    ),
    "risk_intermediate": Check(
        "Is the ten-year risk 7.5 to 20 %?", "%", "2018 ACC/AHA cholesterol guideline"
    ),
    "risk_borderline_or_intermediate": Check(
        "Is the ten-year risk 5 to 20 %?", "%", "2018 ACC/AHA cholesterol guideline"
    ),
    "known_ascvd": Check(
        "Is the patient free of infarction, bypass, stent and clinical disease?",
        "",
        "National Lipid Association 2020: no benefit with clinical disease",
    ),
    "device_in_history": Check(
        "Is the patient free of stents and bypasses, which may be counted as calcium?",
        "",
        "patient information on calcium scans",
    ),
    "symptomatic": Check(
        "Is the patient free of symptoms, which call for another examination?",
        "",
        "patient information on calcium scans",
    ),
    "pregnant": Check("Is the patient not pregnant?", "", "patient information on calcium scans"),
}


INTRODUCTION = """# Checks of quality

Made from `calcarium.quality.CHECKS`. Every scored scan has a row per check in the table `quality`:
`pass`, `warn`, `fail`, or `unknown` where it could not be made. The column `flags` of `studies`
names those that warn or fail. No check is a metric of motion: none is published; look at the
pictures (`calcarium look`).

| check | question | unit of the value | source of the limit |
|---|---|---|---|
"""


def quality_markdown() -> str:
    """The registry of checks as ``docs/quality.md``."""
    lines = [f"| `{n}` | {c.asks} | {c.unit} | {c.source} |" for n, c in CHECKS.items()]
    return INTRODUCTION + "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(quality_markdown(), end="")
