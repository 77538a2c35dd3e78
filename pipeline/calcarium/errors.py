"""How a scan can end other than with a score.

::

    CalciumError
    ├── UsageError      the command, a protocol or an input cannot be used; the user mends it
    ├── ScanExcluded    the scan is understood, and must not be scored: a reason code, not a defect
    ├── ScanFailed      the scan could not be processed and would fail again: not retried
    └── ResourceError   storage, memory, a device: the same scan may pass elsewhere or later

Caveats are none of these: a scan that is scored with doubt carries quality rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

ReasonGroup: TypeAlias = Literal["not_ct", "ineligible", "not_selected", "unscorable"]


class CalciumError(Exception):
    """Root of all errors that calcarium raises on purpose."""


class UsageError(CalciumError):
    """The command cannot be carried out as given; the message says what to do."""


class ScanExcluded(CalciumError):
    """The scan ends as ``excluded``, with a code from :data:`REASONS`.

    Parameters
    ----------
    reason : key of :data:`REASONS`
    detail : what was seen, in words; may name files, so it is kept private
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        if reason not in REASONS:
            raise KeyError(f"{reason!r} is not a registered exclusion reason")
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


class ScanFailed(CalciumError):
    """The scan ends as ``failed``; the same input would fail again."""


class ResourceError(CalciumError):
    """Storage, memory or a device gave way; retried elsewhere, then reported."""


@dataclass(frozen=True)
class Reason:
    """Why a scan was not scored, and what a user can do about it."""

    group: ReasonGroup
    meaning: str
    what_to_do: str


REASONS: dict[str, Reason] = {
    "not_ct": Reason("not_ct", "The modality is not CT.", "Nothing: calcium is scored on CT only."),
    "localizer": Reason(
        "not_ct", "A scout or localizer image.", "Nothing: it has no cross-sections."
    ),
    "secondary_capture": Reason(
        "not_ct",
        "A secondary capture, dose report or other picture without Hounsfield units.",
        "Nothing: its pixels are not a measurement.",
    ),
    "derived_object": Reason(
        "not_ct",
        "A segmentation, structure set, presentation state, report or other derived object.",
        "Nothing; masks are given with --masks.",
    ),
    "derived_reformat": Reason(
        "ineligible",
        "A reformat, projection or other processed image (ImageType).",
        "Give the original axial series.",
    ),
    "not_axial": Reason(
        "ineligible",
        "The slices are not axial by their ImageOrientationPatient.",
        "Give the axial series; a tilted gantry is accepted within the protocol's limit.",
    ),
    "too_few_slices": Reason(
        "ineligible", "Fewer slices than the protocol asks for.", "Look for the missing files."
    ),
    "coverage_too_short": Reason(
        "ineligible",
        "The scan covers less than the protocol's least length along the body.",
        "Look for the missing files, or lower selection.min_coverage_mm.",
    ),
    "slices_too_thick": Reason(
        "ineligible",
        "The slice increment is beyond the protocol's limit.",
        "Raise selection.max_increment_mm if such scans are wanted.",
    ),
    "contrast": Reason(
        "ineligible",
        "A contrast agent is in the blood: a 130 HU score would count the lumen.",
        "Use a protocol that scores the contrast class.",
    ),
    "no_contrast": Reason(
        "ineligible",
        "The header names a contrast agent, but the blood is not bright.",
        "Use a protocol for scans without contrast.",
    ),
    "class_not_in_protocol": Reason(
        "ineligible",
        "The protocol has no section for this class of scan.",
        "Use a protocol that scores this class.",
    ),
    "unknown_kvp": Reason(
        "ineligible",
        "KVP is missing or has no threshold in the protocol's set.",
        "Set scoring.unknown_kvp = 'score_at_130' to score it with a failed quality row.",
    ),
    "not_eligible": Reason(
        "ineligible",
        "A covariate speaks against a calcium score, and the protocol excludes for it.",
        "Take the check out of interpret.exclude_if to score and mark such scans.",
    ),
    "another_scan_preferred": Reason(
        "not_selected",
        "Another scan of the same study and class ranks higher.",
        "Use --all-scans to score every eligible scan.",
    ),
    "not_found": Reason(
        "unscorable",
        "A manifest names it, but nothing is there.",
        "Mend the manifest or bring the files, then use --retry not_found.",
    ),
    "unreadable_header": Reason(
        "unscorable",
        "Files of a folder or archive whose header cannot be read: damaged, or out of reach.",
        "private/messages names each; mend them, then use --retry unreadable_header.",
    ),
    "no_region": Reason(
        "unscorable",
        "Nothing says where the coronary arteries are.",
        "Give masks, or set region.source.",
    ),
    "missing_mask": Reason(
        "unscorable",
        "Masks were given, but none for this scan.",
        "Add the mask, or set region.missing_mask = 'auto'.",
    ),
    "mask_mismatch": Reason(
        "unscorable",
        "The mask does not lie on this scan.",
        "Check that the mask was drawn on this series.",
    ),
    "empty_mask": Reason(
        "unscorable",
        "The mask has no labelled voxel; that is no proof of a zero score.",
        "Check the mask, or set region.empty_mask = 'zero' if empty means no calcium.",
    ),
    "no_blood_pool": Reason(
        "unscorable",
        "The aorta was not found, or what lies in it is not uniform blood.",
        "Give an aorta mask, or look at the scan: without its blood there is no threshold.",
    ),
    "no_heart": Reason("unscorable", "No heart was found in the scan.", "Give the chest scan."),
    "too_noisy": Reason(
        "unscorable",
        "Noise makes more bright spots in the heart than can be told apart.",
        "Give a reconstruction with a smoother kernel or thicker slices.",
    ),
    "no_position": Reason(
        "unscorable",
        "ImagePositionPatient or ImageOrientationPatient is missing.",
        "Without them slices cannot be ordered nor their distance measured.",
    ),
    "no_pixel_spacing": Reason(
        "unscorable", "PixelSpacing is missing or not positive.", "Areas need it; mend the header."
    ),
    "no_rescale": Reason(
        "unscorable",
        "RescaleSlope or RescaleIntercept is missing or zero.",
        "Without them a stored value has no Hounsfield unit; mend the header.",
    ),
    "mixed_geometry": Reason(
        "unscorable",
        "Slices differ in size, orientation or pixel spacing.",
        "Split the series.",
    ),
    "duplicate_slices": Reason(
        "unscorable",
        "Several slices lie at one position with different pixels.",
        "Split the series into its acquisitions.",
    ),
    "missing_slices": Reason(
        "unscorable", "The distance between slices has gaps.", "Look for the missing files."
    ),
    "irregular_increment": Reason(
        "unscorable",
        "The distance between slices varies beyond the protocol's tolerance.",
        "Look at the series; it may hold several acquisitions.",
    ),
    "gantry_tilt": Reason(
        "unscorable",
        "Slices are sheared against their normal beyond the protocol's limit.",
        "Raise volume.max_shear_deg if such scans are wanted.",
    ),
    "lossy_8bit": Reason(
        "unscorable",
        "8-bit lossy pixels: Hounsfield units are lost.",
        "Give the original images.",
    ),
    "unsupported_pixels": Reason(
        "unscorable",
        "The pixel layout (bits, samples, photometric interpretation) is not that of a CT.",
        "Give the original images.",
    ),
    "no_pixels": Reason(
        "unscorable", "A file has no pixel data.", "The transfer was cut; fetch the file again."
    ),
    "short_pixels": Reason(
        "unscorable",
        "A file has less pixel data than its header says.",
        "The transfer was cut; fetch the file again.",
    ),
    "undecodable": Reason(
        "unscorable",
        "The pixel data cannot be decoded by its transfer syntax.",
        "Fetch the file again, or convert it; `calcarium doctor` lists the codecs.",
    ),
    "unsupported_transfer_syntax": Reason(
        "unscorable",
        "No codec here reads this transfer syntax.",
        "`calcarium doctor` lists the codecs and the packages that bring them.",
    ),
    "multiframe": Reason(
        "unscorable",
        "A multi-frame object whose frames are not understood.",
        "Convert it to single-frame CT images.",
    ),
}
