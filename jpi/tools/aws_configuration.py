"""Makes the role that CloudFormation deploys jpi with, or brings it up to date, and prints its ARN.

Example: python -m jpi.tools.aws_configuration --write-env .env
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jpi import aws, settings

ROLE_NAME = "jpi-cfn-role"
POLICY_NAME = "jpi"
TRUST_FILE = Path("etc/jpi-cfn-role-trust-policy.json")
POLICY_FILE = Path("etc/jpi-cfn-role-policy.json")
NO_CREDENTIALS_ERRORS = ("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "TokenRetrievalError",
                         "UnauthorizedSSOTokenError", "SSOTokenLoadError")
# What AWS answers where the credentials themselves are wrong.
BAD_CREDENTIALS_CODES = ("InvalidClientTokenId", "ExpiredToken", "ExpiredTokenException", "SignatureDoesNotMatch",
                         "UnrecognizedClientException")
ACCESS_DENIED_CODES = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")

Document = Mapping[str, Any]


class Role:
    """The role in the account that the credentials belong to."""

    def __init__(self, iam: Any, dry_run: bool) -> None:
        self._iam = iam
        self._dry_run = dry_run

    def get_arn(self) -> str | None:
        """Its ARN; None where it is not there."""
        found = self._get_role()
        return str(found["Arn"]) if found else None

    def bring_up_to_date(self, trust: Document, policy: Document) -> Iterator[str]:
        """Make what is missing and correct what differs; what was done, a line each."""
        found = self._get_role()
        if found is None:
            self._call_iam("create_role", AssumeRolePolicyDocument=json.dumps(trust),
                           Description="CloudFormation deploys jpi with it")
            yield f"{ROLE_NAME}: made"
        elif found["AssumeRolePolicyDocument"] != trust:
            self._call_iam("update_assume_role_policy", PolicyDocument=json.dumps(trust))
            yield f"{ROLE_NAME}: who may use it was corrected"
        if found is None or self._get_policy() != policy:
            self._call_iam("put_role_policy", PolicyName=POLICY_NAME,
                           PolicyDocument=json.dumps(policy, separators=(",", ":")))
            yield f"{ROLE_NAME}: what it may do was written"

    def list_other_policies(self) -> list[str]:
        """What else somebody has let it do: managed policies by ARN, and its own by name."""
        if self._get_role() is None:
            return []
        managed = self._iam.list_attached_role_policies(RoleName=ROLE_NAME)["AttachedPolicies"]
        own = self._iam.list_role_policies(RoleName=ROLE_NAME)["PolicyNames"]
        return [*(one["PolicyArn"] for one in managed), *(name for name in own if name != POLICY_NAME)]

    def remove_policy(self, policy: str) -> None:
        """Take one of these off it."""
        if policy.startswith("arn:"):
            self._call_iam("detach_role_policy", PolicyArn=policy)
        else:
            self._call_iam("delete_role_policy", PolicyName=policy)

    def delete(self) -> bool:
        """Take it away with all its policies; False where it was not there."""
        if self._get_role() is None:
            return False
        for policy in [*self.list_other_policies(), *([POLICY_NAME] if self._get_policy() else [])]:
            self.remove_policy(policy)
        self._call_iam("delete_role")
        return True

    def _call_iam(self, operation: str, **arguments: Any) -> None:
        if not self._dry_run:
            getattr(self._iam, operation)(RoleName=ROLE_NAME, **arguments)

    def _get_role(self) -> Document | None:
        try:
            found: Document = self._iam.get_role(RoleName=ROLE_NAME)["Role"]
        except self._iam.exceptions.NoSuchEntityException:
            return None
        return found

    def _get_policy(self) -> Document | None:
        try:
            found: Document = self._iam.get_role_policy(RoleName=ROLE_NAME, PolicyName=POLICY_NAME)["PolicyDocument"]
        except self._iam.exceptions.NoSuchEntityException:
            return None
        return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when it is as it should be, 1 where AWS or a file does not let it, 2 for wrong options."""
    chosen = _build_parser().parse_args(arguments)
    try:
        sts, iam = (aws.make_client(name, aws.Location(aws.get_region())) for name in ("sts", "iam"))
        partition = sts.get_caller_identity()["Arn"].split(":")[1]
        _run(Role(iam, chosen.dry_run), chosen, partition)
    except aws.CALL_ERRORS as error:
        print(_describe_error(error), file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _run(role: Role, options: argparse.Namespace, partition: str) -> None:
    would = "(dry run: nothing is changed) " if options.dry_run else ""
    if options.delete:
        print(f"{would}{ROLE_NAME}: {'taken away' if role.delete() else 'was not there'}")
        _write_arn(options, "")
        return
    done = 0
    for line in role.bring_up_to_date(_load_document(TRUST_FILE, partition), _load_document(POLICY_FILE, partition)):
        done += 1
        print(f"{would}{line}", flush=True)
    if not done:
        print(f"{ROLE_NAME}: up to date")
    for policy in role.list_other_policies():
        if options.strict:
            role.remove_policy(policy)
        print(f"{would}{policy}: {'taken off' if options.strict else 'is not needed; --strict takes it off'}")
    made = role.get_arn()
    print(f"CFN_ROLE_ARN={made or '(known once it is made)'}")
    if made:
        _write_arn(options, made)


def _write_arn(options: argparse.Namespace, arn: str) -> None:
    """Into the env file, where one is wanted; empty: deploy without it."""
    if options.write_env and not options.dry_run:
        try:
            settings.write_env_variable(options.write_env, "CFN_ROLE_ARN", arn)
        except OSError as error:
            # It names a file of its own that stands for this one a moment.
            raise OSError(error.errno, error.strerror, str(options.write_env)) from error
        print(f"written to {options.write_env}")


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m jpi.tools.aws_configuration", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write-env", type=Path, metavar="FILE", help="put CFN_ROLE_ARN there (--delete: empty it)")
    parser.add_argument("--strict", action="store_true", help="take other policies off that an older set-up left")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    parser.add_argument("--delete", action="store_true", help="take the role away")
    return parser


def _load_document(file: Path, partition: str) -> Document:
    """A policy document of ours, for this partition (`aws`, `aws-cn` ...)."""
    found: Document = json.loads(file.read_text(encoding="utf-8").replace("arn:aws:", f"arn:{partition}:"))
    return found


def _describe_error(error: Exception) -> str:
    """What is wrong, and what to do, in a line."""
    kind, answer = type(error).__name__, getattr(error, "response", {}).get("Error", {})
    code, operation = answer.get("Code", ""), getattr(error, "operation_name", "")
    if kind in NO_CREDENTIALS_ERRORS:
        return f"There are no AWS credentials here: run `aws configure`, or set AWS_PROFILE. ({error})"
    if code in BAD_CREDENTIALS_CODES:
        return f"AWS does not take these credentials ({code}): run `aws configure` or sign in again."
    if code in ACCESS_DENIED_CODES:
        return f"These credentials may not call {operation}: {answer.get('Message', '')}"
    return f"AWS: {error}"


if __name__ == "__main__":
    sys.exit(main())
