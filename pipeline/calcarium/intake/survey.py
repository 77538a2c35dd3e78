"""What a run would do with an archive, counted study by study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from calcarium.config import Protocols, ScanClass
from calcarium.errors import REASONS
from calcarium.intake.records import Scan, Study
from calcarium.intake.select import ScanChoice, select


@dataclass
class Tally:
    """Scans of one kind, and the first of them as an example."""

    scans: int = 0
    bytes: int = 0
    example: ScanChoice | None = None

    def add(self, choice: ScanChoice) -> None:
        """Count a scan."""
        self.scans += 1
        self.bytes += sum(file.size_bytes for file in choice.scan.files)
        self.example = self.example or choice


@dataclass
class Survey:
    """Counts over all studies.

    Attributes
    ----------
    chosen : scans that would be scored, by class
    excluded : scans that would not, by class and reason; the class is empty for what is no CT
    syntaxes : chosen scans by transfer syntax UID; a scan counts once for each that it has
    without_mask : chosen scans without a mask, where masks were given
    """

    studies: int = 0
    studies_with_choice: int = 0
    chosen: dict[ScanClass, Tally] = field(default_factory=dict)
    excluded: dict[tuple[str, str], Tally] = field(default_factory=dict)
    syntaxes: Counter[str] = field(default_factory=Counter)
    without_mask: Tally = field(default_factory=Tally)


def survey(
    studies: Iterable[Study],
    protocols: Protocols,
    *,
    all_scans: bool = False,
    has_mask: Callable[[Scan], bool] | None = None,
) -> Survey:
    """Select in every study, as a run would, and count.

    Parameters
    ----------
    has_mask : tells whether a mask was given for a scan; ``None`` if no masks were given
    """
    found = Survey()
    for study in studies:
        found.studies += 1
        selection = select(study, protocols, all_scans=all_scans)
        found.studies_with_choice += bool(selection.chosen)
        for choice in selection.scans:
            _count(found, choice, has_mask)
    return found


def _count(found: Survey, choice: ScanChoice, has_mask: Callable[[Scan], bool] | None) -> None:
    if choice.reason is not None:
        is_ct = REASONS[choice.reason].group != "not_ct"
        key = (choice.scan_class if is_ct else "", choice.reason)
        found.excluded.setdefault(key, Tally()).add(choice)
        return
    found.chosen.setdefault(choice.scan_class, Tally()).add(choice)
    found.syntaxes.update({file.transfer_syntax_uid for file in choice.scan.files})
    if has_mask is not None and not has_mask(choice.scan):
        found.without_mask.add(choice)
