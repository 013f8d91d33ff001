"""Secrets by name: `ssm:/path` (a SecureString) and `secretsmanager:name`, looked up where settings give them so."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jpi import aws
from jpi.errors import SettingsError

SSM, MANAGER = "ssm:", "secretsmanager:"
# Most names of one call: AWS, GetParameters.
NAMES = 10


def resolved(values: Mapping[str, str]) -> dict[str, str]:
    """The settings, by name, with each reference in them (several, comma-separated) replaced by what it stands for.

    Nobody is asked where there is none. SettingsError names what is not there or not ours to read.
    """
    there = {one: dict.fromkeys(_references(value)) for one, value in values.items()}
    wanted = sorted({reference for found in there.values() for reference in found})
    known = {**_parameters([one for one in wanted if one.startswith(SSM)]),
             **_managed([one for one in wanted if one.startswith(MANAGER)])}
    missing = [f"  {one}: {reference} is not there, or may not be read" for one, found in there.items()
               for reference in found if reference not in known]
    if missing:
        raise SettingsError("Secrets that the settings name are missing:\n" + "\n".join(missing))
    return {one: ",".join(known.get(part.strip(), part) for part in value.split(",")) if there[one] else value
            for one, value in values.items()}


def _references(value: str) -> Iterator[str]:
    return (part for part in map(str.strip, value.split(",")) if part.startswith((SSM, MANAGER)))


def _parameters(references: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(references), NAMES):
        names = [one.removeprefix(SSM) for one in references[start : start + NAMES]]
        answer = _asked("ssm", "get_parameters", Names=names, WithDecryption=True)
        found |= {SSM + one["Name"]: one["Value"] for one in answer.get("Parameters", [])}
    return found


def _managed(references: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in references:
        answer = _asked("secretsmanager", "get_secret_value", SecretId=one.removeprefix(MANAGER))
        found |= {one: answer["SecretString"]} if answer.get("SecretString") else {}
    return found


def _asked(service: str, operation: str, **arguments: Any) -> Mapping[str, Any]:
    """The answer, empty where it was refused; SettingsError where AWS cannot be reached at all."""
    try:
        answer: Mapping[str, Any] = getattr(aws.client(service, aws.Place(aws.region())), operation)(**arguments)
    except aws.REFUSED:
        return {}
    except aws.FAILURES as error:
        raise SettingsError(f"The secrets cannot be looked up ({service}): {error}") from error
    return answer
