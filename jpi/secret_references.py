"""Reads secrets by name: `ssm:/path` (a SecureString) and `secretsmanager:name` in settings."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from jpi import aws

SSM_PREFIX, SECRETS_MANAGER_PREFIX = "ssm:", "secretsmanager:"
# AWS's limit on the names of one GetParameters call.
MAX_NAMES_PER_CALL = 10
# The secret of each reference, or the error that hides it.
SecretLookups = Mapping[str, str | Exception]


def resolve_references(values: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the settings, by name, with the secrets in place of references, and the problems in AWS's words.

    A value may hold several references, comma-separated. Without any reference AWS is not called.
    """
    references = sorted({reference for value in values.values() for reference in _find_references(value)})
    parameters = [reference for reference in references if reference.startswith(SSM_PREFIX)]
    lookups = {**_fetch_parameters(parameters),
               **_fetch_managed_secrets([reference for reference in references if reference not in parameters])}
    secrets = {reference: secret for reference, secret in lookups.items() if isinstance(secret, str)}
    problems = [f"{name} ({reference}): {lookups[reference]}" for name, value in values.items()
                for reference in _find_references(value) if reference not in secrets]
    return {name: _replace_references(value, secrets) for name, value in values.items()}, problems


def get_stored_at(reference: str) -> datetime | None:
    """Return when a secret was stored; None if the value is not a reference or AWS does not say."""
    try:
        if reference.startswith(SSM_PREFIX):
            answer = _make_client("ssm").get_parameters(Names=[reference.removeprefix(SSM_PREFIX)])
            return next((parameter["LastModifiedDate"] for parameter in answer["Parameters"]), None)
        if reference.startswith(SECRETS_MANAGER_PREFIX):
            name = reference.removeprefix(SECRETS_MANAGER_PREFIX)
            created_at: datetime = _make_client("secretsmanager").get_secret_value(SecretId=name)["CreatedDate"]
            return created_at
    except aws.CALL_ERRORS:
        return None
    return None


def _find_references(value: str) -> Iterator[str]:
    return (part for part in map(str.strip, value.split(",")) if part.startswith((SSM_PREFIX, SECRETS_MANAGER_PREFIX)))


def _replace_references(value: str, secrets: Mapping[str, str]) -> str:
    return ",".join(secrets.get(part.strip(), part) for part in value.split(","))


def _fetch_parameters(references: Sequence[str]) -> SecretLookups:
    ssm = _make_client("ssm") if references else None
    lookups: dict[str, str | Exception] = {}
    for start in range(0, len(references), MAX_NAMES_PER_CALL):
        lookups |= _fetch_parameter_batch(ssm, references[start : start + MAX_NAMES_PER_CALL])
    return lookups


def _fetch_parameter_batch(ssm: Any, references: Sequence[str]) -> SecretLookups:
    """Return the secrets; where AWS refuses the whole batch because of one name, ask for each name alone."""
    names = [reference.removeprefix(SSM_PREFIX) for reference in references]
    try:
        answer = ssm.get_parameters(Names=names, WithDecryption=True)
    except aws.CALL_ERRORS as error:
        if len(references) == 1 or not isinstance(error, aws.REFUSAL_ERROR):
            return dict.fromkeys(references, error)
        return {reference: _fetch_parameter_batch(ssm, [reference])[reference] for reference in references}
    return {f"{SSM_PREFIX}{name}": _select_parameter(name, answer) for name in names}


def _select_parameter(name: str, answer: Mapping[str, Any]) -> str | Exception:
    """Return the value of a name, with or without the version or label that AWS puts beside it (moto does not)."""
    values = {f"{parameter['Name']}{parameter.get('Selector', '')}": str(parameter["Value"])
              for parameter in answer["Parameters"]}
    value = values.get(name) or values.get(name.partition(":")[0])
    return value if value and name not in answer["InvalidParameters"] else LookupError("there is no such parameter")


def _fetch_managed_secrets(references: Sequence[str]) -> SecretLookups:
    client = _make_client("secretsmanager") if references else None
    return {reference: _fetch_managed_secret(client, reference.removeprefix(SECRETS_MANAGER_PREFIX))
            for reference in references}


def _fetch_managed_secret(client: Any, name: str) -> str | Exception:
    try:
        return str(client.get_secret_value(SecretId=name)["SecretString"])
    except aws.CALL_ERRORS as error:
        return error
    except KeyError:
        return LookupError("the secret is binary, not text")


def _make_client(service: str) -> Any:
    # A delivery may be waiting for the secret.
    return aws.make_client(service, aws.Location(aws.get_region()), aws.QUICK_CONFIG)
