"""What this package says of mistakes in rules and pools, by code, so that a page can say it in another language.

In: a code and its values. Out: a `Problem` with the sentence in English. The checks are made once, here; a translation has the same codes
and the same values, and a test holds it to that.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from smallpool_core.errors import Problem

MESSAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "rule.too_deep": "a rule nests at most {most} deep",
        "rule.shape": 'expected {{"all": […]}}, {{"any": […]}}, {{"not": …}} or {{"field": …, "op": …, "value": …}}',
        "rule.group": "`{group}` takes a list of expressions",
        "rule.leaves": "a rule has at most {most} leaves; use `in` or make two pools",
        "rule.keys": "a leaf has the keys field, op and value only",
        "rule.missing": "a leaf needs `{key}`",
        "rule.field_near": "no such field; did you mean {names}?",
        "rule.field_attribute": "no such field; declared attributes are: {names}",
        "rule.field": "no such field; fields are: {names} and {prefix}NAME",
        "rule.operator": "`{field}` takes {names}",
        "value.list": "expected a list of at least one value",
        "value.many": "a leaf lists at most {most} values; split the list over several leaves of an `any`",
        "value.between": "expected [low, high], both included",
        "value.offset": 'expected an offset from now, such as "-24h" or "+1h", in s, m, h or d, at most 366d',
        "value.text": "expected a string of at least one character",
        "value.surrogate": "a lone surrogate is not text; send valid Unicode",
        "value.control": "control characters are not allowed",
        "value.choice": "`{field}` is one of {names}",
        "value.word": "`{field}` takes exactly one word for each value; the words here are: {names}",
        "value.path": '`{field}` takes a path as a list, such as ["数码", "手机"]',
        "value.element": "an element of a path never holds {separator}; give one element a string",
        "value.integer": "`{field}` takes an integer",
        "value.time": "`{field}` takes an integer of epoch milliseconds",
        "value.int64": "integers lie within -2^63 … 2^63 - 1",
        "value.thousandths": "`{field}` takes a number in [0, 1] in steps of 0.001",
        "value.number": "`{field}` takes a finite number that a 64-bit float holds exactly",
        "pool.whole": "a whole number from {low} to {high} is allowed",
        "pool.cut_by": "one of {names} is allowed",
        "pool.dimension": "there are weights for {names}",
        "pool.weight": "a weight from 0 to {most} is allowed",
        "pool.source": "there are the sources {names}",
        "pool.share": "a share from 0 (off) to 1 is allowed",
        "pool.pins": "at most {most} pins are allowed; a page shows no more of them",
        "pool.pin_twice": "an item is pinned once",
        "pool.priority": "a whole number from {first} (first) to {last} is allowed",
        "pool.banned_shown": "what is banned is shown nowhere; leave them out",
        "pool.banned_cut": "what is banned is not cut; leave it out",
        "pool.banned_always": "what is banned is banned at all times; leave them out",
        "pool.banned_timed": "a ban holds at all times: say it without `within`",
        "pool.home": "home is the whole marketplace, and no pool of its own; choose another id",
        "pool.adjustments": "at most {most} conditions are allowed",
        "pool.boost": "a factor above 1 and up to {most} is allowed",
        "pool.bury": "a factor above 0 and below 1 is allowed",
        "pool.quotas": "at most {most} quotas are allowed",
        "pool.quota": "a quota says `at_most`, `at_least` or both",
        "pool.quota_crossed": "no more than `at_most`, which is {most}, is allowed",
        "pool.diversity": "a number from 0 up to, but not including, 1 is allowed",
        "pool.listed": "at most {most} entries are allowed; take out those of items long gone",
        "pool.timezone": "an IANA name of a time zone is allowed, such as Asia/Shanghai",
        "pool.windows": "at most {most} windows are allowed; take out past ones",
        "pool.window": "a local date and time without an offset is allowed, such as 2026-11-11T00:00",
        "pool.window_ends": "a window ends after it begins, which is at {opens}",
        "experiment.separator": "a name without `:` and `,` is allowed, since these stand between names",
        "experiment.share": "a share from 0 to 1 in steps of 0.0001 is allowed",
        "experiment.shares": "the shares of the buckets make 1 together",
        "experiment.traffic": "traffic ends after it begins, which is at {start}",
        "experiment.buckets": "two buckets or more are needed, the control first; at most {most} are allowed",
        "experiment.name_twice": "each bucket has a name of its own",
        "experiment.fixed": "what a pool holds, and what is computed of it, is the same for everybody; make a pool of its own for that",
        "experiment.override": "settings that a bucket may override here: {names}",
        "experiment.json": 'JSON such as {{"settings": {{"max_per_category": 5}}}} is allowed, with settings, ordering and read',
        "experiment.state": "it is {state}; an experiment goes from draft to running to ended and never back: make a new one",
        "experiment.running": "this is fixed once an experiment has run, or people would change buckets: end it and make a new one",
        "experiment.taken": "{other} runs in this layer on {start} to {end}; choose other traffic, another layer, or end that one",
    }
)


def problem(path: str, found: str, code: str, **values: str | int) -> Problem:
    """The mistake that a code names; numbers are written by whoever counts them."""
    return Problem(path, found, MESSAGES[code].format(**values), code, {name: str(value) for name, value in values.items()})
