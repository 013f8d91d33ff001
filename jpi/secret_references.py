"""Secrets by name: `ssm:/path` (a SecureString) and `secretsmanager:name`, looked up where settings give them so."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from jpi import aws

SSM, MANAGER = "ssm:", "secretsmanager:"
# Most names of one call: AWS, GetParameters.
NAMES = 10
# What a reference stands for, or why that is not known.
Found = Mapping[str, str | Exception]


def resolved(values: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The settings, by name, with each reference in them (several, comma-separated) replaced by what it stands for; and
    what is wrong with those that stand for nothing, in AWS's words. Nobody is asked where there is none.
    """
    wanted = sorted({reference for value in values.values() for reference in _references(value)})
    found = {**_parameters([one for one in wanted if one.startswith(SSM)]),
             **_managed([one for one in wanted if one.startswith(MANAGER)])}
    known = {reference: secret for reference, secret in found.items() if isinstance(secret, str)}
    problems = [f"{name} ({reference}): {found[reference]}" for name, value in values.items()
                for reference in _references(value) if reference not in known]
    return {name: _replaced(value, known) for name, value in values.items()}, problems


def stored(reference: str) -> datetime | None:
    """When what a reference stands for was stored; None where it is no reference, or nobody can tell."""
    try:
        if reference.startswith(SSM):
            found = _client("ssm").get_parameters(Names=[reference.removeprefix(SSM)])["Parameters"]
            return next((one["LastModifiedDate"] for one in found), None)
        if reference.startswith(MANAGER):
            found = _client("secretsmanager").get_secret_value(SecretId=reference.removeprefix(MANAGER))
            return found["CreatedDate"]  # type: ignore[no-any-return]
    except aws.FAILURES:
        return None
    return None


def _references(value: str) -> Iterator[str]:
    return (part for part in map(str.strip, value.split(",")) if part.startswith((SSM, MANAGER)))


def _replaced(value: str, known: Mapping[str, str]) -> str:
    return ",".join(known.get(part.strip(), part) for part in value.split(","))


def _parameters(references: Sequence[str]) -> Found:
    batches = [references[start : start + NAMES] for start in range(0, len(references), NAMES)]
    ssm = _client("ssm") if batches else None
    return {one: value for batch in batches for one, value in _batch(ssm, batch).items()}


def _batch(ssm: Any, references: Sequence[str]) -> Found:
    """Of several names of which one may not be read, AWS refuses all: then each by itself."""
    try:
        answer = ssm.get_parameters(Names=[one.removeprefix(SSM) for one in references], WithDecryption=True)
    except aws.FAILURES as error:
        if len(references) == 1 or not isinstance(error, aws.REFUSED):
            return dict.fromkeys(references, error)
        return {one: value for reference in references for one, value in _batch(ssm, [reference]).items()}
    missing = {f"{SSM}{name}": LookupError("there is no such parameter") for name in answer["InvalidParameters"]}
    return {one: missing.get(one) or _of(one.removeprefix(SSM), answer["Parameters"]) for one in references}


def _of(name: str, parameters: Sequence[Mapping[str, Any]]) -> str | Exception:
    """The value of a name; a version or label that was asked for stands beside it (AWS), or not (moto)."""
    named = {f"{one['Name']}{one.get('Selector', '')}": str(one["Value"]) for one in parameters}
    return named.get(name) or named.get(name.partition(":")[0]) or LookupError("there is no such parameter")


def _managed(references: Sequence[str]) -> Found:
    there = _client("secretsmanager") if references else None
    return {one: _secret(there, one.removeprefix(MANAGER)) for one in references}


def _secret(there: Any, name: str) -> str | Exception:
    try:
        return str(there.get_secret_value(SecretId=name)["SecretString"])
    except aws.FAILURES as error:
        return error
    except KeyError:
        return LookupError("the secret is no text")


def _client(service: str) -> Any:
    # A delivery may be waiting for it.
    return aws.client(service, aws.Place(aws.region()), aws.QUICK)
