"""Writes the tables of the documentation that say what the code already says: commands, settings, metrics.

In: the command line, the settings' Structs, the metrics. Out: `docs/cli.md`, `docs/settings.md`, `docs/metrics.md`; run it with
`python -m smallpool_config.docs`. A test fails where a page differs from what would be written.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
import typer
from msgspec import Struct

from smallpool_config.cli import app
from smallpool_config.cli.serving import app_of
from smallpool_config.runtime import Background
from smallpool_config.settings import ENVIRONMENT_PREFIX, Settings, StoreSettings
from smallpool_config.watching import Watched
from smallpool_config.wiring import System, open_system
from smallpool_service.metrics import Described

FOLDER = Path(__file__).parents[2] / "docs"
"""Where a checkout keeps its documentation."""
GENERATED = "Written by `make docs`; change the code, not this page."


def command_page() -> str:
    """Every command with its arguments and options."""
    root = typer.main.get_command(app)
    lines = ["# The command line", "", GENERATED, "", f"{root.help} Options of all commands:", "", *_parameters(root)]
    lines += [
        "Exit codes: 0; 1 with a message on stderr that says what to do; 2 for arguments that make no sense. With `--json` stdout holds",
        "JSON and nothing else, and no progress is shown.",
        "",
    ]
    for words, command in _commands(root, ()):
        arguments = " ".join(_usage(parameter) for parameter in command.params if parameter.param_type_name == "argument")
        lines += [f"## smallpool {' '.join(words)}", "", f"`{' '.join(filter(None, ('smallpool', *words, arguments)))}`", ""]
        lines += [*_paragraphs(command.help or ""), *_parameters(command)]
    return _page(lines)


def settings_page() -> str:
    """Every setting with its default, its type, its variable and its meaning."""
    lines = ["# Settings", "", GENERATED, "", *_settings_preface()]
    for section in msgspec.structs.fields(Settings):
        if not (isinstance(section.type, type) and issubclass(section.type, Struct)):
            continue
        lines += [
            f"## [{section.name}]",
            "",
            *_paragraphs(_summary(section.type)),
            "| setting | default | allowed | meaning |",
            "|---|---|---|---|",
        ]
        meanings = meanings_of(section.type)
        for setting in msgspec.structs.fields(section.type):
            default = msgspec.json.encode(_default(setting)).decode()
            lines.append(f"| `{setting.name}` | `{default}` | {_cell(allowed(setting.type))} | {_cell(meanings[setting.name])} |")
        lines.append("")
    return _page(lines)


def metrics_page() -> str:
    """Every metric that `/metrics` serves, of a process that serves and of one that indexes."""
    lines = ["# Metrics", "", GENERATED, "", *_metrics_preface()]
    lines += ["| metric | kind | labels | of `index` | meaning |", "|---|---|---|---|---|"]
    # Each kind of process adds its gauges to those that all have.
    served = _described(lambda system: app_of(system, Background(system, [])))
    indexed = _described(lambda system: Watched(system, Background(system, [])))
    for metric in served:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        lines.append(f"| `{metric.name}` | {metric.kind} | {labels} | {'yes' if metric in indexed else ''} | {_cell(metric.meaning)} |")
    return _page(lines)


def _metrics_preface() -> list[str]:
    return [
        "`GET /metrics` serves these in Prometheus' text format: of `smallpool serve` on its port, of `smallpool index` on that of",
        "`--metrics-port`. What a process does not do stays without a figure there; a gauge that is not known is NaN, as a lag is while",
        "brokers do not answer. `smallpool_counts_total` has among its names `dup`, `conflict` and `dead_letters`.",
        "",
    ]


def _described(begin: Callable[[System], object]) -> list[Described]:
    """The metrics of a process that begins so."""
    with TemporaryDirectory(prefix="smallpool-docs-") as directory:
        system = open_system(Settings(store=StoreSettings(directory=directory)))
        try:
            begin(system)
            return system.metrics.describe()
        finally:
            system.close()


PAGES: Mapping[str, Callable[[], str]] = {"cli.md": command_page, "settings.md": settings_page, "metrics.md": metrics_page}


def main() -> None:
    """Writes every page."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
        typer.echo(f"wrote {FOLDER / name}")


def meanings_of(struct: type[Struct]) -> dict[str, str]:
    """What each setting of a section means, from the section's docstring, where it stands as `name: meaning` or `one, other: meaning`.

    A setting that the docstring does not tell of means the empty text.
    """
    names = "|".join(field.name for field in msgspec.structs.fields(struct))
    text = " ".join((struct.__doc__ or "").split())
    places = list(re.finditer(rf"(?<![\w.])((?:(?:{names}), )*(?:{names})): ", text))
    meanings = dict.fromkeys(struct.__struct_fields__, "")
    for place, following in zip(places, [*places[1:], None], strict=True):
        meaning = text[place.end() : following.start() if following else None].strip()
        for name in place.group(1).split(", "):
            meanings[name] = meaning
    return meanings


def allowed(kind: Any) -> str:
    """The values that a setting may have, in words."""
    if get_origin(kind) is Annotated:
        base, *metas = get_args(kind)
        return ", ".join([allowed(base), *(limit for meta in metas if isinstance(meta, msgspec.Meta) for limit in _limits(meta))])
    if get_origin(kind) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(kind))
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(allowed(part) for part in get_args(kind))
    if get_origin(kind) is dict:
        return f"a table of {allowed(get_args(kind)[1])} by name"
    return {str: "a text", int: "a whole number", float: "a number", bool: "true or false", NoneType: "nothing"}.get(kind, str(kind))


def _limits(meta: msgspec.Meta) -> Iterator[str]:
    for words, limit in (("above", meta.gt), ("at least", meta.ge), ("below", meta.lt), ("at most", meta.le)):
        if limit is not None:
            yield f"{words} {limit}"


def _settings_preface() -> list[str]:
    prefix = ENVIRONMENT_PREFIX
    return [
        "A settings file is TOML; `smallpool --config FILE` names it, else the shipped `config/embedded.toml` counts. Every mistake",
        f"in it is reported at once. An environment variable `{prefix}<SECTION>_<SETTING>`, such as `{prefix}HTTP_PORT=9000`, wins over",
        "the file; `--data` and `SMALLPOOL_DATA` win over `store.directory`. `wiring` stands before all sections and chooses the",
        f"adapters: {allowed(msgspec.structs.fields(Settings)[0].type)}.",
        "",
    ]


def _summary(struct: type[Struct]) -> str:
    """The docstring up to the first setting that it tells of."""
    text = " ".join((struct.__doc__ or "").split())
    names = "|".join(field.name for field in msgspec.structs.fields(struct))
    return re.split(rf"(?<![\w.])(?:Attributes: )?(?:(?:{names}), )*(?:{names}): ", text, maxsplit=1)[0]


def _default(setting: msgspec.structs.FieldInfo) -> Any:
    if setting.default_factory is not msgspec.NODEFAULT:
        return setting.default_factory()
    return setting.default


def _commands(command: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that can be run, with the words that name it."""
    for name, inner in command.commands.items():
        if hasattr(inner, "commands"):
            yield from _commands(inner, (*words, name))
        else:
            yield (*words, name), inner


def _parameters(command: Any) -> list[str]:
    hidden = {"install_completion", "show_completion", "help"}
    rows = [parameter for parameter in command.params if parameter.name not in hidden]
    if not rows:
        return []
    lines = ["| argument or option | default | meaning |", "|---|---|---|"]
    for parameter in rows:
        names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
        if parameter.param_type_name == "argument":
            names = f"`{_usage(parameter)}`"
        elif parameter.metavar:
            names += f" {parameter.metavar}"
        variable = f" Variable `{parameter.envvar}`." if getattr(parameter, "envvar", None) else ""
        lines.append(f"| {names} | {_shown_default(parameter)} | {_cell((parameter.help or '') + variable)} |")
    return [*lines, ""]


def _shown_default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    default = parameter.default
    return "" if default is None or default is False or default == "" else f"`{default}`"


def _usage(parameter: Any) -> str:
    name = parameter.metavar or parameter.name.upper()
    return name if parameter.required else f"[{name}]"


def _paragraphs(text: str) -> list[str]:
    """The paragraphs of a docstring, each on one line, with an empty line after each."""
    found = [" ".join(part.split()) for part in text.strip().split("\n\n")]
    return [line for part in found if part for line in (part, "")]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _page(lines: Iterable[str]) -> str:
    return "\n".join(lines).rstrip("\n") + "\n"


if __name__ == "__main__":
    main()
