"""What the label of a mask means, by the names that people and programs give."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Literal, TypeAlias

from calcarium.regions.model import VESSELS, Vessel

Structure: TypeAlias = Literal["heart", "aorta", "other"]

# COCA's "Left Coronary Artery" is the left main; TotalSegmentator's "coronary_arteries" is all.
ARTERIES: Mapping[str, Vessel] = {
    "lm": "LM",
    "lmca": "LM",
    "lca": "LM",
    "left main": "LM",
    "left main artery": "LM",
    "left main coronary artery": "LM",
    "left coronary artery": "LM",
    "lad": "LAD",
    "left anterior descending": "LAD",
    "left anterior descending artery": "LAD",
    "left anterior descending coronary artery": "LAD",
    "lcx": "LCX",
    "cx": "LCX",
    "circumflex": "LCX",
    "left circumflex": "LCX",
    "left circumflex artery": "LCX",
    "left circumflex coronary artery": "LCX",
    "rca": "RCA",
    "right coronary": "RCA",
    "right coronary artery": "RCA",
    "lm lad": "LM+LAD",
    "unassigned": "unassigned",
    "coronary": "unassigned",
    "coronary artery": "unassigned",
    "coronary arteries": "unassigned",
}
HEART = re.compile(r"heart( .*)?|pericardium|(left|right) (atrium|ventricle)|myocardium")
# Words of names that stand for anatomy without coronary calcium (TotalSegmentator's classes).
OTHER = re.compile(
    r".*\b(aort\w+|arch|atri\w+|body|bowel|brachiocephalic|bronchus|carotid|cava|cartilages?|"
    r"clavicula|colon|duodenum|esophagus|gallbladder|humerus|iliopsoas|kidney|liver|lobe|lungs?|"
    r"pancreas|portal|pulmonary|ribs?|scapula|skin|spine|spleen|sternum|stomach|subclavian|"
    r"thyroid|trachea|veins?|vena|ventric\w+|vertebrae?)\b.*"
)


@lru_cache(maxsize=4096)
def meaning(name: str) -> Vessel | Structure | None:
    """The artery or structure that a name stands for; ``None`` if it is not known."""
    words = re.sub(r"[\W_]+", " ", name.lower()).strip()
    if words in ARTERIES:
        return ARTERIES[words]
    if words == "aorta":
        return "aorta"
    if HEART.fullmatch(words):
        return "heart"
    return "other" if OTHER.fullmatch(words) else None


def sort_labels(
    values: Iterable[int], names: Mapping[int, str], labels: Mapping[str, str]
) -> tuple[dict[int, str], dict[int, Structure]]:
    """Tell the labels that mark calcium from those that mark anatomy.

    A label is looked up in the protocol by the name that the file gives it, or by its number
    where the file gives none. Whatever is no known anatomy marks calcium; but in a file that
    names anatomy, only what is known to be an artery does.

    Parameters
    ----------
    values : label values, without 0
    names : the file's own names
    labels : the protocol's names, by number or by the file's name

    Returns
    -------
    Vessel of each value that marks calcium (a free name where the protocol gives one), and
    structure of each other value
    """
    vessels: dict[int, str] = {}
    structures: dict[int, Structure] = {}
    names_anatomy = any(meaning(name) not in (None, *VESSELS) for name in names.values())
    for value in values:
        own = names.get(value)
        given = labels.get(own or str(value))
        known = meaning(given or own or "unassigned")
        if known == "heart" or known == "aorta" or known == "other":
            structures[value] = known
        elif known is not None:
            vessels[value] = known
        elif given is None and names_anatomy:
            structures[value] = "other"
        else:
            vessels[value] = given or "unassigned"
    return vessels, structures


def declared_labels(names: Mapping[int, str], labels: Mapping[str, str]) -> set[int]:
    """Values that a file names, or else those that the protocol does."""
    return {*names} or {int(number) for number in labels if number.isdigit()}


def useful_labels(
    values: Iterable[int], names: Mapping[int, str], labels: Mapping[str, str]
) -> set[int]:
    """Those of some values that mark calcium; heart and aorta where none are declared to do so."""
    found = set(values)
    vessels, structures = sort_labels(found | declared_labels(names, labels), names, labels)
    anatomy = {value for value, structure in structures.items() if structure != "other"}
    return found & (vessels.keys() or anatomy)
