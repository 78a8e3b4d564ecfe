"""What the console says, in Chinese and in English: one catalogue a language, the same keys in both.

In: `words/LANGUAGE.toml`. Out: `Words`, which look a sentence up by its key and put values into it.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, get_args

Language = Literal["zh", "en"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
FOLDER: Final = Path(__file__).parent / "words"


class Words:
    """The sentences of one language, by key such as `pools.title`."""

    def __init__(self, language: Language, sentences: Mapping[str, str]) -> None:
        self.language = language
        self._sentences = sentences

    def __call__(self, key: str, **values: object) -> str:
        """The sentence with the values put in; a key that nobody translated shows as itself."""
        return self._sentences.get(key, key).format(**values)

    def either(self, key: str, otherwise: str) -> str:
        """The sentence, or a text that comes from elsewhere where there is none."""
        return self._sentences.get(key, otherwise)

    def keys(self) -> frozenset[str]:
        """Every key there is."""
        return frozenset(self._sentences)


def load_words() -> dict[Language, Words]:
    """Every catalogue."""
    return {
        language: Words(language, dict(_flat(tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))))) for language in LANGUAGES
    }


def wanted_language(chosen: str | None, accepted: str) -> Language:
    """The language that was chosen, else the first of an `Accept-Language` that there is; Chinese where nobody says."""
    for tag in (chosen or "", *(part.partition(";")[0] for part in accepted.split(","))):
        for language in LANGUAGES:
            if tag.strip().lower().split("-")[0] == language:
                return language
    return "zh"


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, str(value)
