"""Evaluates IAM policies as AWS does within one account: a deny wins, else an allow, and both within the boundary.

docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import re
from pathlib import Path

from jpi.tools.aws_policies import load_document

ACCOUNT = "123456789012"
REGION = "us-east-1"
STAGES = ("dev", "qa", "prod")
ROOT = Path(__file__).resolve().parents[2]
BOUNDARY_ARN = f"arn:aws:iam::{ACCOUNT}:policy/jpi-boundary"


def load_policy(name, partition="aws"):
    return load_document(ROOT / f"etc/{name}.json", partition, ACCOUNT, STAGES)


def is_match(pattern, text):
    """True if the text fits a pattern with IAM's wildcards, `*` and `?`."""
    parts = ({"*": ".*", "?": "."}.get(part, re.escape(part)) for part in re.split("([*?])", pattern))
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def as_list(value):
    return [value] if isinstance(value, str | dict) else value


OPERATORS = {"StringEquals": lambda wanted, value: wanted == value, "StringLike": is_match, "ArnLike": is_match,
             "ArnEquals": is_match}


def holds(condition, context):
    """True if all conditions hold; one about a key that the request does not have holds only with `ForAllValues`."""
    return all(holds_for_key(operator, as_list(wanted), context.get(key))
               for operator, keys in condition.items() for key, wanted in keys.items())


def holds_for_key(operator, wanted, value):
    """True if a condition on one key holds. `value`: None where the request does not have the key."""
    if operator == "Null":
        return wanted == [str(value is None).lower()]
    name = operator.removeprefix("ForAllValues:")
    values = as_list(value) if value is not None else []
    return (bool(values) or name != operator) and all(any(OPERATORS[name](pattern, each) for pattern in wanted)
                                                      for each in values)


def is_about(statement, resource):
    key = "Resource" if "Resource" in statement else "NotResource"
    return any(is_match(pattern, resource) for pattern in as_list(statement[key])) is (key == "Resource")


def applies(statement, action, resource, context):
    return (any(is_match(pattern.lower(), action.lower()) for pattern in as_list(statement["Action"]))
            and is_about(statement, resource) and holds(statement.get("Condition", {}), context))


def is_allowed(policy, action, resource, context=None, boundary=None):
    """True if AWS lets a caller with this policy do this."""
    effects = {statement["Effect"] for statement in policy["Statement"]
               if applies(statement, action, resource, context or {})}
    within = boundary is None or is_allowed(boundary, action, resource, context)
    return within and effects == {"Allow"}
