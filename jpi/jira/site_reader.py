"""Reads the names of a site: its fields, and which way round its link types read."""

import logging
from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from jpi.domain.issue_drafts import MANAGER_LINK_TYPE, QUESTION_LINK_TYPE, STAKEHOLDER_LINK_TYPE, TIMELINE_LINK_TYPE
from jpi.errors import Refused
from jpi.http_client import ApiClient
from jpi.jira.create_request import SiteSchema, list_field_names
from jpi.jira.create_screens import Cache
from jpi.json_fields import Json

log = logging.getLogger(__name__)

LINK_TYPES = {QUESTION_LINK_TYPE, STAKEHOLDER_LINK_TYPE, MANAGER_LINK_TYPE, TIMELINE_LINK_TYPE}
FIELDS_PATH, LINK_TYPES_PATH = "/field", "/issueLinkType"


class SiteReader:
    """The schema of one site. What Jira refuses to show is left out of it: an issue is created all the same."""

    def __init__(self, api: ApiClient, cache: Cache, wanted_fields: Collection[str]) -> None:
        """`wanted_fields`: casefolded names or ids of the custom fields that drafts may set."""
        self._api = api
        self._cache = cache
        self._wanted_fields = set(wanted_fields)
        self._schema: SiteSchema | None = None
        self._refusal_by_path: dict[str, Refused] = {}

    @property
    def schema(self) -> SiteSchema:
        """Return what this process knows of the site; read it if nothing was read yet."""
        return self.load() if self._schema is None else self._schema

    @property
    def has_link_types(self) -> bool:
        """True unless Jira refused to show the link types when they were read last."""
        return LINK_TYPES_PATH not in self._refusal_by_path

    def load(self) -> SiteSchema:
        """Return the schema; two calls a day, or a process while something is missing. Read again what was refused."""
        if self._schema is None or self._refusal_by_path:
            self._refusal_by_path.clear()
            name = f"site schema:{','.join(sorted(self._wanted_fields))}"
            stored = self._cache.get(name)
            self._schema = SiteSchema(**stored) if stored else SiteSchema(self._read_fields(), self._read_has_sides())
            # An incomplete schema is not cached: somebody may be setting the site up.
            if not stored and self._is_complete(self._schema):
                self._cache.save(name, asdict(self._schema))
        return self._schema

    def require_fields(self) -> SiteSchema:
        """Return the schema; raise Refused if Jira refused to show the fields."""
        return self._require(FIELDS_PATH)

    def require_link_types(self) -> SiteSchema:
        """Return the schema; raise Refused if Jira refused to show the link types: links might read the wrong way."""
        return self._require(LINK_TYPES_PATH)

    def _require(self, path: str) -> SiteSchema:
        schema = self.schema
        if path in self._refusal_by_path:
            raise self._refusal_by_path[path]
        return schema

    def _is_complete(self, schema: SiteSchema) -> bool:
        return self._wanted_fields <= schema.fields.keys() and schema.has_side.keys() >= LINK_TYPES

    def _read_fields(self) -> dict[str, list[Json]]:
        fields: dict[str, list[Json]] = {}
        for field in self._read(FIELDS_PATH, []):
            for name in list_field_names(field) & self._wanted_fields:
                fields.setdefault(name, []).append({"id": field["id"], "schema": field.get("schema", {})})
        return fields

    def _read_has_sides(self) -> dict[str, str]:
        types = self._read(LINK_TYPES_PATH, {"issueLinkTypes": []})["issueLinkTypes"]
        return {link_type["name"]: "inward" if link_type["inward"].casefold().startswith("has ") else "outward"
                for link_type in types}

    def _read(self, path: str, default: Any) -> Any:
        try:
            return self._api.request("GET", path)
        except Refused as refused:
            log.warning("a part of the site was not read", extra={"path": path, "reason": str(refused)})
            self._refusal_by_path[path] = refused
            return default
