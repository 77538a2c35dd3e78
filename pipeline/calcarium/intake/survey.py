"""What a run would do with an archive, counted study by study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from calcarium.config import Protocols, ScanClass
from calcarium.errors import REASONS
from calcarium.intake.records import Scan, Study
from calcarium.intake.select import ScanChoice, select


def n_slices(scan: Scan) -> int:
    """Slices of a scan, duplicates included."""
    return sum(file.number_of_frames for file in scan.files)


@dataclass
class Tally:
    """Scans of one kind, and the first of them as an example."""

    scans: int = 0
    bytes: int = 0
    slices: int = 0
    example: ScanChoice | None = None

    def add(self, choice: ScanChoice) -> None:
        """Count a scan."""
        self.scans += 1
        self.bytes += sum(file.size_bytes for file in choice.scan.files)
        self.slices += n_slices(choice.scan)
        self.example = self.example or choice


class DrawnStudy(NamedTuple):
    """A study drawn at random, and the slices of it that would be scored."""

    study: Study
    slices: int


@dataclass
class Draw:
    """So many studies at random from a stream of unknown length: each is as likely as another.

    Algorithm R (Vitter 1985, ACM Trans. Math. Softw. 11:37).
    """

    size: int
    seed: int = 0
    drawn: list[DrawnStudy] = field(default_factory=list)
    _seen: int = 0

    def __post_init__(self) -> None:
        self._chance = Random(self.seed)

    def offer(self, study: DrawnStudy) -> None:
        """Take a study in, perhaps in the place of another."""
        self._seen += 1
        if len(self.drawn) < self.size:
            self.drawn.append(study)
        elif (place := self._chance.randrange(self._seen)) < self.size:
            self.drawn[place] = study


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
    draw: Draw | None = None,
) -> Survey:
    """Select in every study, as a run would, and count.

    Parameters
    ----------
    has_mask : tells whether a mask was given for a scan; ``None`` if no masks were given
    draw : is offered every study that has a scan to score
    """
    found = Survey()
    for study in studies:
        found.studies += 1
        selection = select(study, protocols, all_scans=all_scans)
        found.studies_with_choice += bool(selection.chosen)
        if draw and selection.chosen:
            slices = sum(n_slices(choice.scan) for choice in selection.chosen)
            draw.offer(DrawnStudy(study, slices))
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
