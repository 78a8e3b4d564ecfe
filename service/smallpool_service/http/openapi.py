"""The contract: `/openapi.json`, made of the routes, the models of bodies and the Structs of replies.

In: the application. Out: one OpenAPI document in which every reference resolves.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from smallpool_core.experiments import Experiment
from smallpool_core.sellers import SellerEvent
from smallpool_core.users import UserEvent
from smallpool_service.alerts.health import PoolHealth
from smallpool_service.experiments.report import Report
from smallpool_service.history import PoolDifference
from smallpool_service.http.alerts import AlertList
from smallpool_service.http.events import ItemBatch, ItemRow, SellerBatch, Taken, UserBatch
from smallpool_service.http.experiment_bodies import EndBody, ExperimentChange, ExperimentHistory, ExperimentList, NewExperiment
from smallpool_service.http.health import Health, Readiness
from smallpool_service.http.history import AuditPage, RollbackBody
from smallpool_service.http.item_view import ItemView
from smallpool_service.http.items import FoundItems, ManyItems
from smallpool_service.http.keys import CreatedKey, KeyBody, KeyList
from smallpool_service.http.pool_bodies import (
    ArchiveBody,
    NewPool,
    PoolChange,
    PoolList,
    PoolView,
    PreviewBody,
    RevisionList,
    RulePreviewBody,
    SavedPool,
)
from smallpool_service.http.pool_lists import BansBody, IncludesBody, PinsBody
from smallpool_service.http.problems import ProblemDocument
from smallpool_service.http.recall import RecallBody
from smallpool_service.http.related import RelatedBody
from smallpool_service.http.replays import ReplayBody
from smallpool_service.http.replies import SCHEMA_REF
from smallpool_service.http.users import ProfileBody, UserView
from smallpool_service.keywords import RelatedKeywords
from smallpool_service.page import Page
from smallpool_service.previews import RulePreview
from smallpool_service.related import RelatedItems
from smallpool_service.replay import Replay
from smallpool_service.similar import SimilarItems
from smallpool_service.why import Why

BODIES: Final[tuple[type[BaseModel], ...]] = (
    ArchiveBody,
    BansBody,
    EndBody,
    ExperimentChange,
    IncludesBody,
    KeyBody,
    ManyItems,
    NewExperiment,
    NewPool,
    PinsBody,
    PoolChange,
    PreviewBody,
    ProfileBody,
    RecallBody,
    RelatedBody,
    RollbackBody,
    RulePreviewBody,
    ReplayBody,
)
STRUCTS: Final[tuple[type, ...]] = (
    AlertList,
    AuditPage,
    CreatedKey,
    Experiment,
    ExperimentHistory,
    ExperimentList,
    FoundItems,
    Health,
    ItemBatch,
    ItemRow,
    ItemView,
    KeyList,
    Page,
    PoolDifference,
    PoolHealth,
    PoolList,
    PoolView,
    ProblemDocument,
    Readiness,
    RevisionList,
    SimilarItems,
    RulePreview,
    RelatedItems,
    RelatedKeywords,
    Replay,
    Report,
    SavedPool,
    Taken,
    UserBatch,
    UserEvent,
    SellerBatch,
    SellerEvent,
    UserView,
    Why,
)
TAGS: Final = [
    {"name": "recall", "description": "Pages for people."},
    {"name": "events", "description": "What sellers and buyers do."},
    {"name": "items", "description": "What is known of an item, and why it is shown or not."},
    {"name": "users", "description": "What is kept of a person, and how it is forgotten."},
    {"name": "pools", "description": "Pools and their rules."},
    {"name": "experiments", "description": "Buckets of people, what is different for them, and what came of it."},
    {"name": "keys", "description": "API keys."},
    {"name": "health", "description": "Open to everybody."},
]
DESCRIPTION: Final = """Recall inside small pools of one-of-a-kind, short-lived items.

Send an API key as `Authorization: Bearer …`; each operation names the roles of which it takes one (`x-roles`). `operator`
includes `viewer`, `admin` includes every role. Errors are problem documents (RFC 9457). The header
`X-Smallpool-Timeout-Ms` sets a deadline for any request: 504 if it has passed already.
"""


TIMEOUT: Final = {
    "name": "X-Smallpool-Timeout-Ms",
    "in": "header",
    "required": False,
    "schema": {"type": "integer"},
    "example": 150,
    "description": "How long the caller waits for an answer, in ms.",
}


def install(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    """Makes `app.openapi()` the whole contract; it is put together when it is first asked for."""

    def contract() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _contract(app, routers)
        return app.openapi_schema

    app.openapi = contract  # type: ignore[method-assign]  # the framework's documented way to extend its schema


def _contract(app: FastAPI, routers: Sequence[APIRouter]) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes, tags=TAGS)
    components = document.setdefault("components", {})
    schemas: dict[str, Any] = components.setdefault("schemas", {})
    bodies = models_json_schema([(body, "validation") for body in BODIES], ref_template=SCHEMA_REF.format(name="{model}"))[1]
    schemas.update(bodies["$defs"])
    schemas.update(msgspec.json.schema_components(STRUCTS, ref_template=SCHEMA_REF)[1])
    components["parameters"] = {"Timeout": TIMEOUT}
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute) and route.include_in_schema:
                for method in route.methods or ():
                    _complete(document["paths"][route.path][method.lower()], route)
    return document


def _complete(operation: dict[str, Any], route: APIRoute) -> None:
    """Puts the examples back as they were declared, for the framework leaves out every null, and tells of the deadline."""
    for status, response in route.responses.items():
        operation["responses"][str(status)] = response
    body = (route.openapi_extra or {}).get("requestBody")
    if body is not None:
        operation["requestBody"] = body
    if "x-roles" in operation:
        operation.setdefault("parameters", []).append({"$ref": "#/components/parameters/Timeout"})
