"""Secrets by name: `ssm:/path` (a SecureString) and `secretsmanager:name`, looked up where settings give them so."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from jpi import aws

SSM_PREFIX, SECRETS_MANAGER_PREFIX = "ssm:", "secretsmanager:"
# Most names of one call: AWS, GetParameters.
MAX_NAMES_PER_CALL = 10
# What a reference stands for, or why that is not known.
SecretLookups = Mapping[str, str | Exception]


def resolve_references(values: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The settings, by name, with each reference in them (several, comma-separated) replaced by what it stands for; and
    what is wrong with those that stand for nothing, in AWS's words. Nobody is asked where there is none.
    """
    wanted = sorted({reference for value in values.values() for reference in _find_references(value)})
    found = {**_fetch_parameters([one for one in wanted if one.startswith(SSM_PREFIX)]),
             **_fetch_managed_secrets([one for one in wanted if one.startswith(SECRETS_MANAGER_PREFIX)])}
    known = {reference: secret for reference, secret in found.items() if isinstance(secret, str)}
    problems = [f"{name} ({reference}): {found[reference]}" for name, value in values.items()
                for reference in _find_references(value) if reference not in known]
    return {name: _replace_references(value, known) for name, value in values.items()}, problems


def get_stored_at(reference: str) -> datetime | None:
    """When what a reference stands for was stored; None where it is no reference, or nobody can tell."""
    try:
        if reference.startswith(SSM_PREFIX):
            found = _make_client("ssm").get_parameters(Names=[reference.removeprefix(SSM_PREFIX)])["Parameters"]
            return next((one["LastModifiedDate"] for one in found), None)
        if reference.startswith(SECRETS_MANAGER_PREFIX):
            found = _make_client("secretsmanager").get_secret_value(
                SecretId=reference.removeprefix(SECRETS_MANAGER_PREFIX))
            return found["CreatedDate"]  # type: ignore[no-any-return]
    except aws.CALL_ERRORS:
        return None
    return None


def _find_references(value: str) -> Iterator[str]:
    return (part for part in map(str.strip, value.split(",")) if part.startswith((SSM_PREFIX, SECRETS_MANAGER_PREFIX)))


def _replace_references(value: str, secrets: Mapping[str, str]) -> str:
    return ",".join(secrets.get(part.strip(), part) for part in value.split(","))


def _fetch_parameters(references: Sequence[str]) -> SecretLookups:
    batches = [references[start : start + MAX_NAMES_PER_CALL]
               for start in range(0, len(references), MAX_NAMES_PER_CALL)]
    ssm = _make_client("ssm") if batches else None
    return {one: value for batch in batches for one, value in _fetch_parameter_batch(ssm, batch).items()}


def _fetch_parameter_batch(ssm: Any, references: Sequence[str]) -> SecretLookups:
    """Of several names of which one may not be read, AWS refuses all: then each by itself."""
    try:
        answer = ssm.get_parameters(Names=[one.removeprefix(SSM_PREFIX) for one in references], WithDecryption=True)
    except aws.CALL_ERRORS as error:
        if len(references) == 1 or not isinstance(error, aws.REFUSAL_ERROR):
            return dict.fromkeys(references, error)
        return {one: value for reference in references for one,
                value in _fetch_parameter_batch(ssm, [reference]).items()}
    missing = {f"{SSM_PREFIX}{name}": LookupError("there is no such parameter") for name in answer["InvalidParameters"]}
    return {one: missing.get(one) or _select_parameter(one.removeprefix(SSM_PREFIX), answer["Parameters"])
            for one in references}


def _select_parameter(name: str, parameters: Sequence[Mapping[str, Any]]) -> str | Exception:
    """The value of a name; a version or label that was asked for stands beside it (AWS), or not (moto)."""
    named = {f"{one['Name']}{one.get('Selector', '')}": str(one["Value"]) for one in parameters}
    return named.get(name) or named.get(name.partition(":")[0]) or LookupError("there is no such parameter")


def _fetch_managed_secrets(references: Sequence[str]) -> SecretLookups:
    there = _make_client("secretsmanager") if references else None
    return {one: _fetch_managed_secret(there, one.removeprefix(SECRETS_MANAGER_PREFIX)) for one in references}


def _fetch_managed_secret(secrets_manager: Any, name: str) -> str | Exception:
    try:
        return str(secrets_manager.get_secret_value(SecretId=name)["SecretString"])
    except aws.CALL_ERRORS as error:
        return error
    except KeyError:
        return LookupError("the secret is no text")


def _make_client(service: str) -> Any:
    # A delivery may be waiting for it.
    return aws.make_client(service, aws.Location(aws.get_region()), aws.QUICK_CONFIG)
