"""The JSON Schema says of good and bad entries what the door says."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.spec.load import FILE_SHAPES
from orchestrator.spec.schema import json_schema
from orchestrator.spec.shapes import shape_of

SCHEMA = json_schema()
BASE = Path(__file__).parents[1] / "cases" / "_base"


def fits(value: object, schema: dict[str, Any]) -> bool:
    """Judge a value by the part of JSON Schema that ours uses; anything else is an error."""
    judges = {
        "$ref": lambda ref: fits(value, SCHEMA["$defs"][ref.rsplit("/", 1)[1]]),
        "anyOf": lambda options: any(fits(value, option) for option in options),
        "enum": lambda choices: value in choices,
        "type": lambda kind: _has_type(value, kind),
        "pattern": lambda text: not isinstance(value, str) or bool(re.search(text, value)),
        "minLength": lambda least: not isinstance(value, str) or len(value) >= least,
        "minimum": lambda least: not _is_number(value) or value >= least,
        "maximum": lambda most: not _is_number(value) or value <= most,
        "exclusiveMinimum": lambda above: not _is_number(value) or value > above,
        "items": lambda item: not isinstance(value, list) or all(fits(v, item) for v in value),
        "required": lambda keys: not isinstance(value, dict) or set(keys) <= value.keys(),
        "minProperties": lambda least: not isinstance(value, dict) or len(value) >= least,
        "properties": lambda known: (
            not isinstance(value, dict)
            or all(fits(value[key], known[key]) for key in value.keys() & known.keys())
        ),
        "additionalProperties": lambda rest: _fits_rest(value, schema, rest),
    }
    silent = {"description", "default", "format", "title", "$schema", "$defs"}
    return all(judges[key](schema[key]) for key in schema.keys() - silent)


def _fits_rest(value: object, schema: dict[str, Any], rest: object) -> bool:
    if not isinstance(value, dict):
        return True
    others = value.keys() - schema.get("properties", {}).keys()
    if rest is False:
        return not others
    return all(fits(value[key], rest) for key in others)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _has_type(value: object, kind: str) -> bool:
    types = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
    if kind in types:
        return isinstance(value, types[kind])
    return _is_number(value) and (kind == "number" or isinstance(value, int))


class TextDates(yaml.SafeLoader):
    """YAML 1.2 as editors read it: dates are texts."""


TextDates.yaml_implicit_resolvers = {
    key: [(tag, regexp) for tag, regexp in found if not tag.endswith("timestamp")]
    for key, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@pytest.mark.parametrize("file", sorted(BASE.glob("*.yaml")), ids=lambda path: path.name)
def test_the_sound_site_fits(file: Path) -> None:
    content = yaml.load(file.read_text(encoding="utf-8"), Loader=TextDates)
    assert fits(content, SCHEMA)


@pytest.mark.parametrize(
    "text",
    [
        "servars: []",
        "flavors: {}",
        "flavors: [{name: a, vcpus: 0, memory_mib: 1, disk_gib: 1}]",
        "flavors: [{name: A, vcpus: 1, memory_mib: 1, disk_gib: 1}]",
        "flavors: [{name: a, vcpus: many, memory_mib: 1, disk_gib: 1}]",
        "flavors: [{name: a, memory_mib: 1, disk_gib: 1}]",
        "flavors: [{name: a, vcpus: 1, memory_mib: 1, disk_gib: 1, source: x}]",
        "vlans: [{name: a, region: r, vlan_id: 4095, zone: z}]",
        "rooms: [{name: a, region: r, display: {zh: a, en: b}, grade: D, area_m2: 1,"
        " clear_height_m: 1, floor_load_kn_m2: 1}]",
        "{}",
    ],
)
def test_what_the_door_refuses_does_not_fit(text: str) -> None:
    assert not fits(yaml.safe_load(text), SCHEMA)


def test_every_key_of_every_file_is_in_it_and_no_other() -> None:
    keys = {key for model in FILE_SHAPES.values() for key in shape_of(model).fields}
    assert set(SCHEMA["properties"]) == keys
    assert "from" in SCHEMA["$defs"]["Flow"]["properties"]
    assert not any("source" in each["properties"] for each in SCHEMA["$defs"].values())


def test_descriptions_come_from_the_model() -> None:
    region = SCHEMA["$defs"]["Region"]["properties"]
    assert "等保" in region["protection_level"]["description"]
    assert SCHEMA["$defs"]["Server"]["description"].startswith("One machine in one rack")
    assert SCHEMA["properties"]["servers"]["description"].startswith("In hardware.yaml.")
    assert region["protection_level"]["default"] == 3


def test_a_reference_is_wanted_for_secrets() -> None:
    password = SCHEMA["$defs"]["Bmc"]["properties"]["password"]
    assert fits("secret://bmc/city", password)
    assert fits("secret://bmc/{1..3}", password)
    assert not fits("hunter2", password)
