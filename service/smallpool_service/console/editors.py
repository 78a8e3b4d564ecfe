"""Which editor a condition has, and how what was typed into it becomes the value of a rule and back.

In: a field, an operator, the texts of the inputs. Out: a JSON value for the rule language, which has the last word on it; or the key of
a sentence that says what to type.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any, Final

from smallpool_core.fields import Field, FieldKind, Operator
from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_core.rules.values import LISTING
from smallpool_service.console.look import CHINA, clock_input, yuan_input

Raw = Mapping[str, Sequence[str]]
"""The texts of a condition's inputs by their part: `v` (one or several), `low`, `high`, `sign`, `count`, `unit`."""
PRICE: Final = "price_cents"
NUMBERS: Final = frozenset({FieldKind.INTEGER, FieldKind.THOUSANDTHS, FieldKind.NUMBER})
UNITS: Final = ("s", "m", "h", "d")
SIGNS: Final = {"-": "past", "+": "next"}
LARGEST: Final = Decimal(10) ** 19
"""No whole number of a rule is as large."""
DEFAULTS: Final[dict[FieldKind, Operator]] = {
    FieldKind.PATH: "prefix",
    FieldKind.KEYWORDS: "has_any",
    FieldKind.INTEGER: "lte",
    FieldKind.THOUSANDTHS: "gte",
    FieldKind.NUMBER: "lte",
}


class Untyped(Exception):
    """What was typed is no value of this editor; `key` names the sentence that says what is."""

    def __init__(self, key: str, part: str = "") -> None:
        super().__init__(key)
        self.key = key
        self.part = part


def default_operator(field: Field) -> Operator:
    """The operator that a new condition on this field begins with."""
    return DEFAULTS.get(field.kind, field.operators[0])


def editor_of(field: Field, op: Operator) -> str:
    """The name of the editor, of which the templates have one each."""
    if op == "within":
        return "offset"
    if field.kind is FieldKind.TIME:
        return "instant"
    if op == "between":
        return "range"
    if field.choices:
        return "choices" if op in LISTING else "choice"
    return "texts" if op in LISTING else "text"


def is_blank(raw: Raw) -> bool:
    """Whether nothing was typed yet."""
    return not any(text.strip() for part in ("v", "low", "high", "count") for text in raw.get(part, ()))


def value_of(field: Field, op: Operator, raw: Raw) -> Any:
    """The JSON value; raises `Untyped`."""
    match editor_of(field, op):
        case "offset":
            sign, count, unit = _only(raw, "sign"), _only(raw, "count"), _only(raw, "unit")
            if not count.isascii() or not count.isdigit():
                raise Untyped("value.offset")
            return f"{sign if sign in SIGNS else '-'}{count}{unit if unit in UNITS else 'h'}"
        case "instant":
            return _instant(_only(raw, "v"))
        case "range":
            return [_scalar(field, _only(raw, "low"), "[0]"), _scalar(field, _only(raw, "high"), "[1]")]
        case "texts" | "choices":
            texts = [text.strip() for text in raw.get("v", ()) if text.strip()]
            if not texts:
                raise Untyped("value.missing")
            return [_scalar(field, text, f"[{place}]") for place, text in enumerate(texts)]
        case _:
            return _scalar(field, _only(raw, "v"))


def raw_of(field: Field, op: Operator, value: Any) -> Raw:
    """The texts of the inputs that mean this value."""
    match editor_of(field, op), value:
        case "offset", str():
            return {"sign": [value[0]], "count": [value[1:-1]], "unit": [value[-1]]}
        case "instant", _:
            return {"v": [clock_input(value)]}
        case "range", [low, high]:
            return {"low": [_text(field, low)], "high": [_text(field, high)]}
        case (("texts" | "choices"), list()):
            return {"v": [_text(field, one) for one in value]}
        case _:
            return {"v": [_text(field, value)]}


def _scalar(field: Field, text: str, place: str = "") -> Any:
    if not text:
        raise Untyped("value.missing", place)
    if field.kind is FieldKind.PATH:
        return [element.strip() for element in text.replace(">", PATH_SEPARATOR).split(PATH_SEPARATOR)]
    if field.kind not in NUMBERS:
        return text
    if field.name == PRICE:
        return _cents(text, place)
    number = _decimal(text)
    if number is None:
        raise Untyped("value.number", place)
    is_whole = field.kind is FieldKind.INTEGER and number == number.to_integral_value() and abs(number) < LARGEST
    return int(number) if is_whole else float(number)


def _cents(text: str, place: str) -> int:
    yuan = _decimal(text.removeprefix("¥").strip())
    if yuan is None or abs(yuan) >= LARGEST or yuan * 100 != (yuan * 100).to_integral_value():
        raise Untyped("value.price", place)
    return int(yuan * 100)


def _decimal(text: str) -> Decimal | None:
    """A number as people write it, thousands apart or not, that a float can hold."""
    try:
        number = Decimal(text.replace(",", "").replace("，", ""))
    except InvalidOperation:
        return None
    return number if number.is_finite() and isfinite(float(number)) else None


def _instant(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Untyped("value.instant") from None
    return round(moment.replace(tzinfo=CHINA).timestamp() * 1000)


def _text(field: Field, value: Any) -> str:
    if field.kind is FieldKind.PATH and isinstance(value, list):
        return f" {PATH_SEPARATOR} ".join(map(str, value))
    return yuan_input(value) if field.name == PRICE else str(value)


def _only(raw: Raw, part: str) -> str:
    texts = raw.get(part, ())
    return texts[0].strip() if texts else ""
