"""Columns of labels read as the labels that they were made of."""

from __future__ import annotations

import numpy as np
import pytest

from calcarium.regions.model import Label, Meaning

LABELS = {
    7: Label("RCA", "rejected", "spine", 0.25, {"fat": 0.5}),
    2: Label("LAD"),
    3: Label("LCX", "doubtful", confidence=0.0, features={"fat": 1.0, "z": 4.0}),
}


def test_labels_come_back_by_their_value() -> None:
    meaning = Meaning.of(LABELS)
    assert meaning == LABELS
    assert list(meaning) == [2, 3, 7]
    assert Meaning.of({}) == {}
    with pytest.raises(KeyError):
        meaning[4]


def test_a_value_without_a_meaning_is_unassigned_and_counts() -> None:
    meaning = Meaning.of(LABELS)
    found = meaning.labels.take(meaning.place_of(np.array([9, 7, 4, 2, 1])))
    unassigned = Label("unassigned")
    assert [found[i] for i in range(5)] == [
        *(unassigned, LABELS[7], unassigned, LABELS[2], unassigned)
    ]
    assert found.counts.tolist() == [True, False, True, True, True]
    assert meaning.counts.tolist() == [False, True, True, True, True, True, True, False, True]
