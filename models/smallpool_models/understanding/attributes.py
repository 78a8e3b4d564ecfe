"""The declared attributes of a listing: what its words and numbers say, overruled by what the seller gave.

In: words heard, measures, `Given.attributes`. Out: values by declared name, of the declared type. Undeclared ones stay
in `given`; a given value of the wrong type counts as missing.
"""

from collections.abc import Mapping, Sequence

from smallpool_core.fields import Attributes
from smallpool_core.items import AttributeValue
from smallpool_core.normalise import normalise
from smallpool_models.understanding.knowledge import AttributeNames
from smallpool_models.understanding.measures import Measured
from smallpool_models.understanding.points import Heard

_LARGEST = 2.0**63
"""Numbers beyond the range of a signed 64-bit integer fit no store; they count as missing, as infinities and NaN do."""


def attributes_of(
    given: Mapping[str, AttributeValue],
    heard: Sequence[Heard],
    measured: Sequence[Measured],
    declared: Attributes,
    names: AttributeNames,
) -> dict[str, AttributeValue]:
    """Values by attribute; of several words or measures for one attribute the first counts; words set aside do not."""
    values: dict[str, AttributeValue] = {}
    for word in heard:
        for reading in () if word.aside else (*word.readings, *word.parts):
            name = names.points.get(reading.kind)
            if name is not None:
                values.setdefault(name, reading.key)
    for measure in measured:
        values.setdefault(measure.attribute, measure.value)
    for written, value in given.items():
        name = names.given.get(normalise(written), "")
        typed = _typed(value, declared.types[name]) if name in declared.types else None
        if typed is not None:
            values[name] = typed
    return values


def given_text(given: Mapping[str, AttributeValue], field: str, names: AttributeNames) -> str | None:
    """What the seller gave for `brand` or `condition` among the attributes, normalised."""
    for written, value in given.items():
        if isinstance(value, str) and names.given.get(normalise(written)) == field:
            return normalise(value) or None
    return None


def _typed(value: object, kind: str) -> AttributeValue | None:
    if isinstance(value, bool):
        return None
    if kind == "keyword":
        return normalise(value) if isinstance(value, str) and value else None
    if isinstance(value, int | float) and -_LARGEST <= value < _LARGEST:
        return value
    return None
