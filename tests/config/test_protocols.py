"""Protocols: every key documented, mistakes named, hashes of what was resolved."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from calcarium.config import Protocols, load_protocol, shipped_protocols
from calcarium.config.keys import key
from calcarium.config.protocol import Protocol
from calcarium.config.show import annotated_toml
from calcarium.errors import UsageError
from calcarium.scoring.score import check_scoring


def write(folder, text):
    file = folder / "mine.toml"
    file.write_text(text)
    return str(file)


def every_key(model):
    for name, field in model.model_fields.items():
        yield f"{model.__name__}.{name}", field
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from every_key(field.annotation)


def test_every_key_says_what_it_does():
    for name, field in every_key(Protocol):
        assert field.description, name


def test_a_key_without_meaning_cannot_be_declared():
    with pytest.raises(ValueError, match="meaning"):
        key(1, " ")


def test_every_number_names_its_source():
    for name, field in every_key(Protocol):
        if field.annotation in (int, float, tuple[float, float]):
            assert field.json_schema_extra["source"], name


@pytest.mark.parametrize("name", shipped_protocols())
def test_shipped_protocols_load(name):
    protocols = load_protocol(name)
    assert len(protocols.hash) == 16
    for protocol in protocols.by_class.values():
        check_scoring(protocol.scoring)
    assert f"hash {protocols.hash}" in annotated_toml(protocols)


def test_shown_protocol_is_the_protocol(tmp_path):
    text = annotated_toml(load_protocol("gated"))
    again = load_protocol(write(tmp_path, text))
    assert again.by_class["gated"] == load_protocol("gated").by_class["gated"]


@pytest.mark.parametrize("name", shipped_protocols())
def test_resolved_protocol_comes_back_from_its_json(name):
    protocols = load_protocol(name)
    assert Protocols.from_json(protocols.to_json()).by_class == protocols.by_class


def test_auto_leaves_the_class_to_the_header():
    assert load_protocol("auto").assume_class is None
    assert load_protocol("gated").assume_class == "gated"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[scoring]\nprimary_conventoin = 'x'", "did you mean 'primary_convention'"),
        ("[scorign]\n", "did you mean 'scoring'"),
        ("extends = 'gatde'", "did you mean 'gated'"),
        ("[selection]\nmin_slices = 'three'", "selection.min_slices"),
        ("[selection]\nmin_slices = 0", "selection.min_slices"),
        ("[uses]\ngatde = 'gated'", "did you mean 'gated'"),
        ("[volume", "not valid TOML"),
        ("extends = 'mine.toml'", "in a circle"),
    ],
)
def test_mistakes_are_named_with_the_file(tmp_path, text, said):
    with pytest.raises(UsageError, match=r"mine\.toml|no protocol") as raised:
        load_protocol(write(tmp_path, text))
    assert said in str(raised.value)


def test_a_file_that_is_not_there():
    with pytest.raises(UsageError, match="shipped: auto"):
        load_protocol("nothing-like-it")


def test_hash_is_that_of_the_resolved_protocol(tmp_path):
    same = write(tmp_path, "extends = 'gated'\nname = 'gated'\n")
    assert load_protocol(same).hash == load_protocol("gated").hash
    spelled_out = write(
        tmp_path, "extends = 'gated'\nname = 'gated'\n[scoring]\nlesion_link = 26\n"
    )
    assert load_protocol(spelled_out).hash == load_protocol("gated").hash
    other = write(tmp_path, "extends = 'gated'\nname = 'gated'\n[scoring]\nlesion_link = 6\n")
    assert load_protocol(other).hash != load_protocol("gated").hash


def test_uses_can_be_refined_for_all_classes(tmp_path):
    file = write(tmp_path, "extends = 'auto'\n[region]\nsource = 'whole'\n")
    protocols = load_protocol(file)
    assert {p.region.source for p in protocols.by_class.values()} == {"whole"}


@pytest.mark.parametrize("name", sorted(shipped_protocols()))
def test_a_resolved_protocol_is_a_file_to_score_with_again(name, tmp_path):
    protocols = load_protocol(name)
    path = tmp_path / "protocol.toml"
    path.write_text(protocols.to_toml())
    again = load_protocol(str(path))
    assert again == protocols
    assert again.hash == protocols.hash
    assert again.assume_class == protocols.assume_class


def test_the_protocol_of_a_class_may_stand_in_the_file_itself(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[uses.gated.scoring]\nlesion_link = 18\n[uses]\nnongated = 'nongated'\n")
    protocols = load_protocol(str(path))
    assert protocols.by_class["gated"].scoring.lesion_link == 18
    assert protocols.by_class["nongated"] == load_protocol("nongated").by_class["nongated"]
    path.write_text("[uses.gated.scoring]\nlesion_lnk = 18\n")
    with pytest.raises(UsageError, match="lesion_link"):
        load_protocol(str(path))
