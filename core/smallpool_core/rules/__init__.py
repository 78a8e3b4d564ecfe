"""The rule language: a closed, typed expression in JSON that says which items a pool holds.

In: JSON values. Out: a checked `Rule`, and its forms: a predicate, SQL, the tag rule, intervals of now, warnings, an index of rules.
"""

from smallpool_core.rules.difference import RuleDifference, rule_differences
from smallpool_core.rules.expression import AllOf, AnyOf, Expression, Leaf, Not, Rule
from smallpool_core.rules.index import RuleIndex
from smallpool_core.rules.matcher import Predicate, compiled, matches
from smallpool_core.rules.parse import parse_rule
from smallpool_core.rules.sql import SqlValue, columns, row_values, to_sql
from smallpool_core.rules.timing import MAX_MS, MIN_MS, intervals, untimed
from smallpool_core.rules.verdicts import RuleWarning, warnings

__all__ = [
    "MAX_MS",
    "MIN_MS",
    "AllOf",
    "AnyOf",
    "Expression",
    "Leaf",
    "Not",
    "Predicate",
    "Rule",
    "RuleDifference",
    "RuleIndex",
    "RuleWarning",
    "SqlValue",
    "columns",
    "compiled",
    "intervals",
    "matches",
    "parse_rule",
    "row_values",
    "rule_differences",
    "to_sql",
    "untimed",
    "warnings",
]
