"""Settings: one TOML file, checked whole, every problem reported at once as a sentence.

In: a file, and environment variables `SMALLPOOL_<SECTION>_<KEY>` that win over it. Out: a frozen `Settings`.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta, Struct, field
from msgspec.structs import replace

from smallpool_core.behaviour import BehaviourSettings
from smallpool_core.errors import Problem, SettingsRefused
from smallpool_core.relations import RelationSettings
from smallpool_core.reposts import RepostSettings
from smallpool_core.sellers import SellerSettings
from smallpool_indexer.settings import IndexerSettings
from smallpool_service.alerts.settings import AlertSettings
from smallpool_service.http.settings import HttpLimits
from smallpool_service.settings import ReadSettings
from smallpool_stores.elasticsearch.settings import ElasticsearchSettings
from smallpool_stores.kafka.settings import KafkaSettings
from smallpool_stores.redis.settings import RedisSettings

T = TypeVar("T", bound=Struct)
Port = Annotated[int, Meta(ge=0, le=65535)]
ENVIRONMENT_PREFIX = "SMALLPOOL_"
SHIPPED = Path(__file__).parent / "defaults"
CHECKOUT = Path(__file__).parents[1]
"""In a checkout the data files stand in `config/`; a wheel carries them inside the package."""


def shipped(name: str) -> Path:
    """A file or folder that smallpool ships under `config/`, such as `knowledge`."""
    return (SHIPPED if SHIPPED.is_dir() else CHECKOUT) / name


class StoreSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the embedded stores live; the other wiring keeps only the first admin key there.

    directory: holds `smallpool.db`, the lock and the first admin key.
    synchronous: what a commit of everything but acknowledged events waits for. `normal` survives a killed process; a
    power cut may take the last moments of seen lists and replays work from the log again. Acknowledged events always
    wait for the disk.
    """

    directory: str = "smallpool-data"
    synchronous: Literal["off", "normal", "full"] = "normal"


class KnowledgeSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """directory: folder of the domain knowledge base; empty means the one that is shipped."""

    directory: str = ""

    @property
    def path(self) -> Path:
        """The folder to load."""
        return Path(self.directory) if self.directory else shipped("knowledge")


SHIPPED_MODEL = "shipped"


class ModelSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Folders of models that understand titles beside the knowledge base, as `smallpool train` writes them; empty means none. A model that
    comes to lie there while a process runs is taken up within seconds.

    ner: finds selling points; `shipped` is the one that comes with smallpool. category: names the category where neither the seller nor the
    knowledge base does for certain. tags: adds tags. vectors: embeds items and people's interests, so that what is alike is found whatever
    its words; `shipped` is the one that comes with smallpool, and without one no vectors are made or kept. intent: says what words mean,
    for related keywords; `shipped` likewise. ranker: your own net that scores candidates in place of the weighted mean, or blended with
    it (`read.ranker_share`). pool_rankers: the same for single pools, folder by pool id.
    """

    ner: str = SHIPPED_MODEL
    category: str = ""
    tags: str = ""
    vectors: str = SHIPPED_MODEL
    intent: str = SHIPPED_MODEL
    ranker: str = ""
    pool_rankers: dict[str, str] = field(default_factory=dict)

    @property
    def rankers(self) -> dict[str, str]:
        """Folders of rankers by pool, of every other pool under `""`."""
        named = {"": self.ranker} if self.ranker else {}
        return named | {pool_id: folder for pool_id, folder in self.pool_rankers.items() if folder}

    @property
    def ner_path(self) -> Path | None:
        """The folder of the tagger, None for no model."""
        return shipped("models") / "ner" if self.ner == SHIPPED_MODEL else _folder(self.ner)

    @property
    def category_path(self) -> Path | None:
        """The folder of the model of categories, None for no model."""
        return _folder(self.category)

    @property
    def tags_path(self) -> Path | None:
        """The folder of the model of tags, None for no model."""
        return _folder(self.tags)

    @property
    def vectors_path(self) -> Path | None:
        """The folder of the model of vectors, None for no model."""
        return shipped("models") / "vectors" if self.vectors == SHIPPED_MODEL else _folder(self.vectors)

    @property
    def intent_path(self) -> Path | None:
        """The folder of the model of intent, None for no model."""
        return shipped("models") / "intent" if self.intent == SHIPPED_MODEL else _folder(self.intent)


def _folder(named: str) -> Path | None:
    return Path(named) if named else None


class StatisticsSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """popularity_half_life_h: hours after which a click counts half in popularity and in the trigger prior."""

    popularity_half_life_h: Annotated[float, Meta(gt=0, le=8760)] = 24.0


class HttpSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where processes listen.

    host: address to bind. port: of `serve`; 0 takes a free one. metrics_port: where `index` answers `/metrics`, `/healthz` and
    `/readyz`; 0 takes a free one, and unless it is set `index` listens on nothing.
    """

    host: str = "127.0.0.1"
    port: Port = 8080
    metrics_port: Port | None = None


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that an engineer may set, by section. `wiring` chooses the adapters."""

    wiring: Literal["embedded", "distributed"] = "embedded"
    store: StoreSettings = field(default_factory=StoreSettings)
    elasticsearch: ElasticsearchSettings = field(default_factory=ElasticsearchSettings)
    kafka: KafkaSettings = field(default_factory=KafkaSettings)
    redis: RedisSettings = field(default_factory=RedisSettings)
    knowledge: KnowledgeSettings = field(default_factory=KnowledgeSettings)
    models: ModelSettings = field(default_factory=ModelSettings)
    indexer: IndexerSettings = field(default_factory=IndexerSettings)
    reposts: RepostSettings = field(default_factory=RepostSettings)
    sellers: SellerSettings = field(default_factory=SellerSettings)
    behaviour: BehaviourSettings = field(default_factory=BehaviourSettings)
    statistics: StatisticsSettings = field(default_factory=StatisticsSettings)
    relations: RelationSettings = field(default_factory=RelationSettings)
    read: ReadSettings = field(default_factory=ReadSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    limits: HttpLimits = field(default_factory=HttpLimits)
    alerts: AlertSettings = field(default_factory=AlertSettings)


def apart(settings: Settings, name: str, directory: str) -> Settings:
    """The same settings for a marketplace of its own: in another directory, and on the same servers under another name."""
    return replace(
        settings,
        store=replace(settings.store, directory=directory),
        elasticsearch=replace(settings.elasticsearch, prefix=name),
        kafka=replace(settings.kafka, prefix=f"{name}.", state_directory=str(Path(directory) / "state")),
        redis=replace(settings.redis, prefix=f"{name}:"),
    )


def load_settings(path: Path | None, environment: Mapping[str, str]) -> Settings:
    """The settings of a file (None: the shipped `embedded.toml`) and the environment; raises `SettingsRefused`."""
    source = path or shipped("embedded.toml")
    try:
        table = tomllib.loads(source.read_text("utf-8"))
    except OSError as exc:
        raise SettingsRefused([Problem(str(source), exc.strerror or "nothing", "name a file that can be read with --config")]) from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SettingsRefused([Problem(str(source), str(exc), "a settings file is TOML in UTF-8")]) from exc
    problems: list[Problem] = []
    _overlay(table, environment)
    settings = _checked(Settings, table, "", problems)
    if settings is None or problems:
        raise SettingsRefused(problems)
    return settings


def _overlay(table: dict[str, Any], environment: Mapping[str, str]) -> None:
    """Puts `SMALLPOOL_HTTP_PORT=9000` into the table as `http.port = 9000`; names of other variables are left alone."""
    for section in msgspec.structs.fields(Settings):
        if not (isinstance(section.type, type) and issubclass(section.type, Struct)):
            continue
        for setting in msgspec.structs.fields(section.type):
            text = environment.get(f"{ENVIRONMENT_PREFIX}{section.name}_{setting.name}".upper())
            if text is not None:
                table.setdefault(section.name, {})[setting.name] = text if _is_text(setting.type) else _parsed(text)


def _is_text(kind: Any) -> bool:
    """Whether a setting takes any text: a password of digits is one."""
    return kind is str or (get_origin(kind) is Annotated and get_args(kind)[0] is str)


def _parsed(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _checked(struct: type[T], table: Any, path: str, problems: list[Problem]) -> T | None:
    """Converts a table into a Struct field by field, so that one mistake does not hide the next."""
    if not isinstance(table, dict):
        problems.append(Problem(path, repr(table), "a section is a table"))
        return None
    known = {item.name: item for item in msgspec.structs.fields(struct)}
    values: dict[str, Any] = {}
    for name, value in table.items():
        place = f"{path}.{name}" if path else name
        if name not in known:
            problems.append(Problem(place, repr(value), f"no such setting; there are {', '.join(known)}"))
        elif isinstance(known[name].type, type) and issubclass(known[name].type, Struct):
            values[name] = _checked(known[name].type, value, place, problems)
        else:
            _convert(known[name].type, name, value, place, values, problems)
    return None if problems else struct(**values)


def _convert(kind: Any, name: str, value: Any, place: str, values: dict[str, Any], problems: list[Problem]) -> None:
    try:
        values[name] = msgspec.convert(value, kind)
    except msgspec.ValidationError as exc:
        problems.append(Problem(place, repr(value), str(exc)))
