"""The policies of `jpi deploy-role`: their documents, and the boundary that no function's role leaves."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

BOUNDARY_NAME = "jpi-boundary"
FUNCTION_ROLE_PATTERN = re.compile(r"jpi-.+-(app|log_entries|events)")
# IAM keeps five versions of a managed policy.
MAX_VERSIONS = 5

Document = Mapping[str, Any]


def load_document(file: Path, partition: str, account: str, stages: Sequence[str]) -> Document:
    """Load a policy document of this repository, for this partition (`aws`, `aws-cn` ...), account and these stages."""
    text = file.read_text(encoding="utf-8").replace("arn:aws:", f"arn:{partition}:").replace("<account>", account)
    document: Document = _repeat_names(json.loads(text), stages)
    return document


def _repeat_names(value: Any, stages: Sequence[str]) -> Any:
    """Return the value with each name in a list that holds `<stage>` once a stage."""
    if isinstance(value, dict):
        return {key: _repeat_names(part, stages) for key, part in value.items()}
    if not isinstance(value, list):
        return value
    return [name for part in value for name in (
        [part.replace("<stage>", stage) for stage in stages] if "<stage>" in part else [_repeat_names(part, stages)])]


class Boundary:
    """The permissions boundary, a managed policy of the account."""

    def __init__(self, iam: Any, arn: str, dry_run: bool) -> None:
        self._iam = iam
        self._arn = arn
        self._dry_run = dry_run

    def bring_up_to_date(self, document: Document) -> Iterator[str]:
        """Create or correct the boundary, and put it on functions' roles that lack it; yield a line for each change."""
        text, current = json.dumps(document, separators=(",", ":")), self._get_document()
        if current is None:
            self._call_iam("create_policy", PolicyName=BOUNDARY_NAME, PolicyDocument=text)
            yield f"{BOUNDARY_NAME}: created"
        elif current != document:
            self._make_room_for_version()
            self._call_iam("create_policy_version", PolicyArn=self._arn, PolicyDocument=text, SetAsDefault=True)
            yield f"{BOUNDARY_NAME}: corrected"
        for name in self._list_unbounded_roles():
            self._call_iam("put_role_permissions_boundary", RoleName=name, PermissionsBoundary=self._arn)
            yield f"{name}: bounded"

    def delete(self) -> str:
        """Delete the boundary unless a role has it; return what became of it."""
        if self._get_document() is None:
            return "did not exist"
        if any(self._get_boundary(name) == self._arn for name in self._list_function_roles()):
            return "kept: roles of functions have it; `sls remove` them first"
        for version in self._list_other_versions():
            self._call_iam("delete_policy_version", PolicyArn=self._arn, VersionId=version["VersionId"])
        self._call_iam("delete_policy", PolicyArn=self._arn)
        return "deleted"

    def _call_iam(self, operation: str, **arguments: Any) -> None:
        if not self._dry_run:
            getattr(self._iam, operation)(**arguments)

    def _get_document(self) -> Document | None:
        try:
            version = self._iam.get_policy(PolicyArn=self._arn)["Policy"]["DefaultVersionId"]
        except self._iam.exceptions.NoSuchEntityException:
            return None
        document: Document = self._iam.get_policy_version(
            PolicyArn=self._arn, VersionId=version)["PolicyVersion"]["Document"]
        return document

    def _list_other_versions(self) -> list[Document]:
        versions = self._iam.list_policy_versions(PolicyArn=self._arn)["Versions"]
        return sorted((version for version in versions if not version["IsDefaultVersion"]),
                      key=lambda version: str(version["CreateDate"]))

    def _make_room_for_version(self) -> None:
        versions = self._list_other_versions()
        for version in versions[: len(versions) + 2 - MAX_VERSIONS]:
            self._call_iam("delete_policy_version", PolicyArn=self._arn, VersionId=version["VersionId"])

    def _list_function_roles(self) -> Iterator[str]:
        for page in self._iam.get_paginator("list_roles").paginate():
            yield from (role["RoleName"] for role in page["Roles"] if FUNCTION_ROLE_PATTERN.fullmatch(role["RoleName"]))

    def _list_unbounded_roles(self) -> list[str]:
        return [name for name in self._list_function_roles() if self._get_boundary(name) is None]

    def _get_boundary(self, role_name: str) -> str | None:
        role = self._iam.get_role(RoleName=role_name)["Role"]
        arn: str | None = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        return arn
