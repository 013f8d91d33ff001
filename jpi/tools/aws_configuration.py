"""Create or update the role that CloudFormation deploys jpi with, and print its ARN.

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
# AWS's answers to wrong or expired credentials.
BAD_CREDENTIALS_CODES = ("InvalidClientTokenId", "ExpiredToken", "ExpiredTokenException", "SignatureDoesNotMatch",
                         "UnrecognizedClientException")
ACCESS_DENIED_CODES = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")

Document = Mapping[str, Any]


class Role:
    """The deployment role in the account of the current credentials."""

    def __init__(self, iam: Any, dry_run: bool) -> None:
        self._iam = iam
        self._dry_run = dry_run

    def get_arn(self) -> str | None:
        """Return the role's ARN; None if the role does not exist."""
        role = self._get_role()
        return str(role["Arn"]) if role else None

    def bring_up_to_date(self, trust: Document, policy: Document) -> Iterator[str]:
        """Create what is missing and correct what differs; yield a line for each change."""
        role = self._get_role()
        if role is None:
            self._call_iam("create_role", AssumeRolePolicyDocument=json.dumps(trust),
                           Description="CloudFormation deploys jpi with it")
            yield f"{ROLE_NAME}: created"
        elif role["AssumeRolePolicyDocument"] != trust:
            self._call_iam("update_assume_role_policy", PolicyDocument=json.dumps(trust))
            yield f"{ROLE_NAME}: trust policy corrected"
        if role is None or self._get_policy() != policy:
            self._call_iam("put_role_policy", PolicyName=POLICY_NAME,
                           PolicyDocument=json.dumps(policy, separators=(",", ":")))
            yield f"{ROLE_NAME}: permissions written"

    def list_other_policies(self) -> list[str]:
        """Return the policies that jpi did not put on the role: managed ones by ARN, inline ones by name."""
        if self._get_role() is None:
            return []
        managed = self._iam.list_attached_role_policies(RoleName=ROLE_NAME)["AttachedPolicies"]
        inline = self._iam.list_role_policies(RoleName=ROLE_NAME)["PolicyNames"]
        return [*(policy["PolicyArn"] for policy in managed), *(name for name in inline if name != POLICY_NAME)]

    def remove_policy(self, policy: str) -> None:
        """Remove one of these policies from the role."""
        if policy.startswith("arn:"):
            self._call_iam("detach_role_policy", PolicyArn=policy)
        else:
            self._call_iam("delete_role_policy", PolicyName=policy)

    def delete(self) -> bool:
        """Delete the role with all its policies; return False if it did not exist."""
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
            role: Document = self._iam.get_role(RoleName=ROLE_NAME)["Role"]
        except self._iam.exceptions.NoSuchEntityException:
            return None
        return role

    def _get_policy(self) -> Document | None:
        try:
            policy: Document = self._iam.get_role_policy(RoleName=ROLE_NAME, PolicyName=POLICY_NAME)["PolicyDocument"]
        except self._iam.exceptions.NoSuchEntityException:
            return None
        return policy


def main(arguments: Sequence[str] | None = None) -> int:
    """Set up or delete the role; exit code 0 on success, 1 if AWS or a file refuses, 2 for wrong options."""
    options = _build_parser().parse_args(arguments)
    try:
        sts, iam = (aws.make_client(name, aws.Location(aws.get_region())) for name in ("sts", "iam"))
        partition = sts.get_caller_identity()["Arn"].split(":")[1]
        _run(Role(iam, options.dry_run), options, partition)
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
    prefix = "(dry run: nothing is changed) " if options.dry_run else ""
    if options.delete:
        print(f"{prefix}{ROLE_NAME}: {'deleted' if role.delete() else 'did not exist'}")
        _write_arn(options, "")
        return
    line = ""
    for line in role.bring_up_to_date(_load_document(TRUST_FILE, partition), _load_document(POLICY_FILE, partition)):
        print(f"{prefix}{line}", flush=True)
    if not line:
        print(f"{ROLE_NAME}: up to date")
    for policy in role.list_other_policies():
        if options.strict:
            role.remove_policy(policy)
        print(f"{prefix}{policy}: {'removed' if options.strict else 'is not needed; --strict removes it'}")
    arn = role.get_arn()
    print(f"CFN_ROLE_ARN={arn or '(known after creation)'}")
    if arn:
        _write_arn(options, arn)


def _write_arn(options: argparse.Namespace, arn: str) -> None:
    """Write the ARN into the env file, if the user named one. An empty ARN means: deploy without a role."""
    if options.write_env and not options.dry_run:
        try:
            settings.write_env_variable(options.write_env, "CFN_ROLE_ARN", arn)
        except OSError as error:
            # The error names dotenv's temporary file.
            raise OSError(error.errno, error.strerror, str(options.write_env)) from error
        print(f"written to {options.write_env}")


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m jpi.tools.aws_configuration", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write-env", type=Path, metavar="FILE", help="write CFN_ROLE_ARN there (--delete: empty it)")
    parser.add_argument("--strict", action="store_true", help="remove policies that an older set-up left on the role")
    parser.add_argument("--dry-run", action="store_true", help="print what would be done, and change nothing")
    parser.add_argument("--delete", action="store_true", help="delete the role")
    return parser


def _load_document(file: Path, partition: str) -> Document:
    """Load a policy document of this repository, for this partition (`aws`, `aws-cn` ...)."""
    document: Document = json.loads(file.read_text(encoding="utf-8").replace("arn:aws:", f"arn:{partition}:"))
    return document


def _describe_error(error: Exception) -> str:
    """Describe what failed and what to do, in one line."""
    kind, answer = type(error).__name__, getattr(error, "response", {}).get("Error", {})
    code, operation = answer.get("Code", ""), getattr(error, "operation_name", "")
    if kind in NO_CREDENTIALS_ERRORS:
        return f"No AWS credentials found: run `aws configure`, or set AWS_PROFILE. ({error})"
    if code in BAD_CREDENTIALS_CODES:
        return f"AWS rejects these credentials ({code}): run `aws configure` or sign in again."
    if code in ACCESS_DENIED_CODES:
        return f"These credentials may not call {operation}: {answer.get('Message', '')}"
    return f"AWS: {error}"


if __name__ == "__main__":
    sys.exit(main())
