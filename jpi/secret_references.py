"""Reads secrets by name, `ssm:/path` (a SecureString) and `secretsmanager:name`, and checks what is read."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jpi import aws

SSM_PREFIX, SECRETS_MANAGER_PREFIX = "ssm:", "secretsmanager:"
# What stands in a function's settings for a secret that this function does not need; sls/env.js has the same.
WITHHELD = "not-given-to-this-function"
# What examples and guides write where a secret is to be; sls/env.js has the same.
PLACEHOLDER_PATTERN = re.compile(
    r"(your|choose|change|replace|enter|insert|what|put|paste)[-_ ].*|changeme.*|<.*>|\{.*\}", re.IGNORECASE)
# What anybody guesses of a secret that people choose.
GUESSABLE_PATTERN = re.compile(
    r"(.)\1*|(my|the|a|some)?[-_ ]?(password|passphrase|secret|token|api[-_ ]?(key|token)|example|placeholder|todo)\d*",
    re.IGNORECASE)
# AWS's limit on the names of one GetParameters call.
MAX_NAMES_PER_CALL = 10
# The secret of each reference, or the error that hides it.
SecretLookups = Mapping[str, str | Exception]


@dataclass(frozen=True)
class SecretRules:
    """The rules for the secrets of one stage. `allows_plain`: who set the settings insists on plain or short ones.

    `resolves_references`: False to leave references as they are.
    """

    stage: str
    allows_plain: bool = False
    resolves_references: bool = True

    def read_secrets(self, environ: Mapping[str, str], min_characters: Mapping[str, int],
                     lists: Collection[str] = ()) -> tuple[dict[str, str], dict[str, str]]:
        """Return the secrets that can be used, by variable, and what is wrong with the others.

        `lists`: the variables that may hold several secrets, comma-separated; in any other a comma is a character.
        """
        given = {name: text for name in min_characters if (text := environ.get(name, "").strip())}
        secrets, problems = resolve_references(given) if self.resolves_references else (dict(given), {})
        for name, text in given.items():
            parts = _split_list(secrets[name]) if name in lists else [secrets[name]]
            if problem := self.find_problem(text, parts, min_characters[name]):
                problems[name] = "\n  ".join([*([problems[name]] if name in problems else []), f"{name} {problem}"])
                secrets[name] = ""
        # Whoever reads this file knows that text: it is no secret.
        return {name: "" if secret == WITHHELD else secret for name, secret in secrets.items()}, problems

    def find_problem(self, text: str, secrets: Sequence[str], min_characters: int) -> str:
        """Return what is wrong with the secrets of a setting whose value is `text`; "" if they may be used."""
        parts = [secret for secret in secrets if secret and not is_reference(secret)]
        patterns = [PLACEHOLDER_PATTERN, *([GUESSABLE_PATTERN] if min_characters > 1 else [])]
        if any(pattern.fullmatch(part) for pattern in patterns for part in parts):
            return "(***) is a placeholder: put a secret of your own in its place"
        if self.allows_plain:
            return ""
        if any(len(part) < min_characters for part in parts):
            return f"(***) is too short: {min_characters} characters at least (ALLOW_PLAIN_SECRETS=1 if you insist)"
        is_plain = text != WITHHELD and not all(map(is_reference, _split_list(text)))
        if self.stage == "prod" and is_plain:
            return ("(***) is in plain text: store it in AWS and give its name, as ssm:/jpi/prod/<name> "
                    "(ALLOW_PLAIN_SECRETS=1 if you insist)")
        return ""


def is_reference(text: str) -> bool:
    """True if the text names a secret in AWS."""
    return text.startswith((SSM_PREFIX, SECRETS_MANAGER_PREFIX))


def resolve_references(values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the settings, by name, with the secrets in place of references, and the problems in AWS's words, by name.

    A value may hold several references, comma-separated. Without any reference AWS is not called.
    """
    references = sorted({reference for value in values.values() for reference in _find_references(value)})
    parameters = [reference for reference in references if reference.startswith(SSM_PREFIX)]
    lookups = {**_fetch_parameters(parameters),
               **_fetch_managed_secrets([reference for reference in references if reference not in parameters])}
    secrets = {reference: secret for reference, secret in lookups.items() if isinstance(secret, str)}
    problems = {name: [f"{name} ({reference}): {lookups[reference]}" for reference in _find_references(value)
                       if reference not in secrets] for name, value in values.items()}
    return ({name: _replace_references(value, secrets) for name, value in values.items()},
            {name: "\n  ".join(texts) for name, texts in problems.items() if texts})


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
    return filter(is_reference, _split_list(value))


def _split_list(value: str) -> list[str]:
    return [part for part in map(str.strip, value.split(",")) if part]


def _replace_references(value: str, secrets: Mapping[str, str]) -> str:
    """Return the value with its secrets; what cannot be read is left out."""
    parts = (secrets.get(part.strip(), part) for part in value.split(","))
    return ",".join(part for part in parts if not is_reference(part.strip()))


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
