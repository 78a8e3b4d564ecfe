"""How items lie in Elasticsearch: the mapping follows the table of fields, a document follows the mapping."""

import msgspec
import pytest
from msgspec.structs import replace

from builders import NOW, wide_item
from elasticsearch_rig import item_index, item_indices
from smallpool_core.errors import StoreError
from smallpool_core.fields import FIELDS, Attributes, FieldKind
from smallpool_core.generations import digest_of
from smallpool_core.items import Span, WideItem
from smallpool_core.versions import ENRICH_SOLD, ENRICH_STRIPPED, MAX_VERSION
from smallpool_stores.elasticsearch.documents import Documents
from smallpool_stores.elasticsearch.indices import ItemIndices
from smallpool_stores.elasticsearch.mapping import mapping
from smallpool_stores.elasticsearch.names import LONG_KEY, attribute_name, key
from smallpool_stores.elasticsearch.writer import ElasticsearchItemWriter
from strategies import ATTRIBUTES


def test_every_field_of_the_table_is_a_key_or_a_number_and_none_is_text() -> None:
    properties = mapping(ATTRIBUTES)["properties"]
    numbers = {FieldKind.INTEGER, FieldKind.TIME, FieldKind.THOUSANDTHS}
    for name, field in FIELDS.items():
        assert properties[name]["type"] == ("long" if field.kind in numbers else "keyword"), name
    assert [kind["type"] for kind in properties["attributes"]["properties"].values()] == ["keyword", "double", "keyword"]


def test_a_document_has_no_field_that_the_mapping_does_not_name() -> None:
    item = wide_item(attributes={"colour": "red", "weight": 2, "undeclared": 3})
    document = msgspec.json.decode(Documents(ATTRIBUTES).of(item))
    properties = mapping(ATTRIBUTES)["properties"]
    assert document.keys() <= properties.keys()
    assert document["attributes"].keys() <= properties["attributes"]["properties"].keys()


@pytest.mark.parametrize("name", ["a.b", "a*", 'quo"te', "sp ace", "1a", "%2E", "颜色", "a-b"])
def test_names_of_attributes_stay_apart_and_mean_nothing_to_elasticsearch(name: str) -> None:
    assert not set(attribute_name(name)) & set('.*" \\')
    assert attribute_name(name) != attribute_name(name.replace(".", "%2E")) or "." not in name


def test_a_value_of_the_wrong_type_is_in_the_record_alone() -> None:
    item = wide_item(attributes={"colour": 3, "weight": "heavy"})
    assert msgspec.json.decode(Documents(ATTRIBUTES).of(item))["attributes"] == {}


def test_long_text_is_kept_by_its_digest() -> None:
    assert key("苹" * LONG_KEY) == "苹" * LONG_KEY
    assert len(key("苹" * 100_000)) == 65
    assert key("苹" * 100_000) != key("果" * 100_000)


def test_an_item_that_is_not_listed_keeps_its_state_and_its_record_alone() -> None:
    document = msgspec.json.decode(Documents(ATTRIBUTES).of(wide_item(state="sold", pools=("p",))))
    assert document.keys() == {"state", "item_id", "item"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tags": tuple(f"t{number}" for number in range(1_025))}, "`tags` has 1025 members"),
        ({"category": "›".join("abcdefghi")}, "9 elements"),
        ({"title_words": ("\ud800",)}, "cannot be encoded"),
        ({"attributes": {"weight": 10**400}}, "cannot be encoded"),
    ],
)
def test_an_item_that_no_document_can_hold_says_why(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Documents(ATTRIBUTES).of(wide_item(**changes))


def test_whatever_a_record_holds_comes_back_as_it_was() -> None:
    everything = wide_item(
        "件 é👍/?#%",
        version=MAX_VERSION,
        enrich=2**20 - 9,
        attributes={"colour": "red", "weight": float("inf"), "none": -0.0, "big": 2**63},
        spans=(Span(0, 2, "brand", "a货"),),
        quality_parts={"images": 0.1},
        versions={"knowledge": "1"},
        intervals={"p": ((NOW, NOW + 1),)},
        pools=("p",),
    )
    others = [replace(wide_item("b"), state="sold", enrich=ENRICH_SOLD), WideItem("c", MAX_VERSION, ENRICH_STRIPPED, "expired")]
    with item_index(ATTRIBUTES) as (writer, _):
        assert writer.index([everything, *others]).newer == 3
        assert writer.get([everything.item_id, "b", "c", "unknown"]) == {item.item_id: item for item in (everything, *others)}


def test_an_index_is_made_once_and_serves_behind_its_alias() -> None:
    with item_indices(ATTRIBUTES) as (_, indices):
        assert indices.serving() is None
        name = indices.ensure()
        assert indices.ensure() == indices.serving() == name
        assert [(one.name, one.documents, one.serves) for one in indices.generations()] == [(name, 0, True)]


def test_an_index_of_another_mapping_is_refused_with_what_differs() -> None:
    with item_indices(ATTRIBUTES) as (connection, indices):
        indices.ensure()
        other = ItemIndices(connection, Attributes({"colour": "number", "size": "keyword"}))
        with pytest.raises(StoreError, match=r"attributes\.properties\.colour\.type: the index has keyword, this version makes double"):
            other.ensure()


def test_the_alias_moves_at_once_and_the_old_generation_stays_until_it_is_dropped() -> None:
    with item_indices() as (_, indices):
        old, new = indices.ensure(), indices.create()
        indices.serve(new)
        assert (indices.serving(), [one.serves for one in indices.generations()]) == (new, [False, True])
        with pytest.raises(StoreError, match="it serves"):
            indices.drop(new)
        indices.drop(old)
        assert [one.name for one in indices.generations()] == [new]
        assert indices.create() != old


def test_two_generations_have_one_digest_when_they_hold_the_same_records() -> None:
    with item_indices() as (connection, indices):
        indices.ensure()
        fresh = indices.create()
        items = [wide_item(f"{'件é👍a'[number % 4]}{number}", version=number) for number in range(40)]
        for index, order in ((None, items), (fresh, items[::-1])):
            writer = ElasticsearchItemWriter(connection, Attributes({}), index)
            writer.index(order)
            writer.refresh()
        serving = indices.serving() or ""
        assert indices.digest(serving) == indices.digest(fresh)
        assert indices.digest(fresh) == digest_of(
            (item.item_id, *item.order) for item in sorted(items, key=lambda item: item.item_id.encode())
        )
        writer.index([wide_item("a3", version=99)])
        writer.refresh()
        assert indices.digest(serving) != indices.digest(fresh)
