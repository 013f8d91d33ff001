"""The command `jpi deploy-role`."""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import click

from jpi import aws, env_files
from jpi.errors import PermanentError
from jpi.tools.aws_policies import BOUNDARY_NAME, Boundary, Document, load_document
from jpi.tools.command_runner import run_command

ROLE_NAME = "jpi-cfn-role"
POLICY_NAME = "jpi"
TRUST_FILE = Path("etc/jpi-cfn-role-trust-policy.json")
POLICY_FILE = Path("etc/jpi-cfn-role-policy.json")
BOUNDARY_FILE = Path("etc/jpi-boundary-policy.json")
STAGES = ("dev", "qa", "prod")


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


def check_stages(_context: click.Context, _option: click.Parameter, stages: Sequence[str]) -> Sequence[str]:
    """Return the stages; refuse what would not be a name but a pattern in a policy."""
    if bad := [stage for stage in stages if not re.fullmatch("[A-Za-z0-9-]+", stage)]:
        raise click.BadParameter(f"{', '.join(bad)}: a stage's name has letters, digits and hyphens")
    return stages


@click.command("deploy-role")
@click.option("--write-env", type=Path, metavar="FILE", help="Write CFN_ROLE_ARN into this file (--delete: empty it).")
@click.option("--strict", is_flag=True, help="Remove policies that an older set-up left on the role.")
@click.option("--dry-run", is_flag=True, help="Print what would be done, and change nothing.")
@click.option("--stage", "stages", multiple=True, default=STAGES, show_default=True, callback=check_stages,
              help="A stage that may be deployed; several: repeat it.")
@click.option("--delete", is_flag=True, help="Delete the role, and the boundary if no function has it.")
def configure_aws(write_env: Path | None, strict: bool, dry_run: bool, stages: Sequence[str], delete: bool) -> None:
    """Create or update the role for deployments.

    CloudFormation deploys with the role, and every role that it creates is kept within the boundary. The command prints
    the role's ARN.

    \b
    Example:
      jpi deploy-role --write-env .env
    """
    try:
        sts, iam = (aws.make_client(name, aws.Location(aws.get_region())) for name in ("sts", "iam"))
        partition, account = sts.get_caller_identity()["Arn"].split(":")[1:5:3]
        role = Role(iam, dry_run)
        boundary = Boundary(iam, f"arn:{partition}:iam::{account}:policy/{BOUNDARY_NAME}", dry_run)
        trust, policy, limits = (load_document(file, partition, account, stages)
                                 for file in (TRUST_FILE, POLICY_FILE, BOUNDARY_FILE))
        lines = _delete_role(role, boundary) if delete else chain(
            boundary.bring_up_to_date(limits), _set_up_role(role, trust, policy, strict))
        for line in lines:
            print(f"{'(dry run: nothing is changed) ' if dry_run else ''}{line}", flush=True)
    except ValueError as error:
        # boto3 raises it for a malformed region or endpoint, json for a policy file that is not JSON.
        raise PermanentError(str(error)) from error
    arn = "" if delete else role.get_arn()
    if not delete:
        print(f"CFN_ROLE_ARN={arn or '(known after creation)'}")
    if write_env and not dry_run:
        env_files.write_env_variable(write_env, "CFN_ROLE_ARN", arn or "")
        print(f"written to {write_env}")


def _delete_role(role: Role, boundary: Boundary) -> Iterator[str]:
    yield f"{ROLE_NAME}: {'deleted' if role.delete() else 'did not exist'}"
    yield f"{BOUNDARY_NAME}: {boundary.delete()}"


def _set_up_role(role: Role, trust: Document, policy: Document, strict: bool) -> Iterator[str]:
    changes = role.bring_up_to_date(trust, policy)
    first_change = next(changes, None)
    yield first_change or f"{ROLE_NAME}: up to date"
    yield from changes
    for other in role.list_other_policies():
        if strict:
            role.remove_policy(other)
        yield f"{other}: {'removed' if strict else 'is not needed; --strict removes it'}"


main = partial(run_command, configure_aws)

if __name__ == "__main__":
    sys.exit(main())
