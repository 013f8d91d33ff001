"""The deployment role: created, updated, left alone, deleted; it may do what the stack needs and no more."""

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from botocore.session import get_session
from dotenv import dotenv_values
from moto import mock_aws

from jpi.tools import aws_configuration
from jpi.tools.aws_policies import load_document

ROLE = "jpi-cfn-role"
ACCOUNT = "123456789012"
BOUNDARY_ARN = f"arn:aws:iam::{ACCOUNT}:policy/jpi-boundary"
POLICY, BOUNDARY = (load_document(Path(f"etc/jpi-{name}-policy.json"), "aws", ACCOUNT, ("dev", "qa", "prod"))
                    for name in ("cfn-role", "boundary"))
LAMBDA = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
# IAM actions whose names are not those of the operations that they allow.
NO_OPERATIONS = {
    "iam:PassRole", "iam:*", "s3:ListBucket", "s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock",
    "s3:GetEncryptionConfiguration", "s3:PutEncryptionConfiguration",
    # Operations of another API, S3 Control.
    "s3:ListTagsForResource", "s3:TagResource", "s3:UntagResource",
    *(f"apigateway:{verb}" for verb in ("DELETE", "GET", "PATCH", "POST", "PUT")),
}
# CloudFormation reads only the bucket's settings that the template sets; the schema lists all.
READ_OTHERWISE = {"S3::Bucket"}
# The resource types of our template, and the service that CloudFormation calls for each.
SERVICES = {"ApiGateway": "apigateway", "CloudWatch": "cloudwatch", "DynamoDB": "dynamodb", "Events": "events",
            "IAM": "iam", "Lambda": "lambda", "Logs": "logs", "S3": "s3", "SNS": "sns", "SQS": "sqs"}


@pytest.fixture
def iam(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        yield boto3.client("iam", region_name="us-east-1")


def run(capsys, *arguments):
    code = aws_configuration.main(arguments)
    return (code, *capsys.readouterr())


def get_policy(iam):
    return iam.get_role_policy(RoleName=ROLE, PolicyName="jpi")["PolicyDocument"]


def get_boundary(iam):
    """Return the boundary's text in force, and how many versions there are."""
    version = iam.get_policy(PolicyArn=BOUNDARY_ARN)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=BOUNDARY_ARN, VersionId=version)["PolicyVersion"]["Document"]
    return document, len(iam.list_policy_versions(PolicyArn=BOUNDARY_ARN)["Versions"])


def change_boundary(iam):
    iam.create_policy_version(PolicyArn=BOUNDARY_ARN, PolicyDocument=json.dumps(POLICY), SetAsDefault=True)


def test_the_role_is_made_once_and_its_arn_is_written_where_it_is_wanted(iam, capsys, tmp_path):
    env = tmp_path / ".env"
    env.write_text("STAGE=dev\nCFN_ROLE_ARN=\n# kept\n")
    code, out, _ = run(capsys, "--write-env", str(env))
    arn = iam.get_role(RoleName=ROLE)["Role"]["Arn"]
    assert (code, f"CFN_ROLE_ARN={arn}" in out) == (0, True)
    assert env.read_text() == f"STAGE=dev\nCFN_ROLE_ARN='{arn}'\n# kept\n"
    assert get_policy(iam) == POLICY
    code, out, _ = run(capsys)
    assert (code, out) == (0, f"jpi-cfn-role: up to date\nCFN_ROLE_ARN={arn}\n")


def test_the_boundary_is_made_and_corrected_however_often_it_was_changed(iam, capsys):
    _, out, _ = run(capsys)
    assert ("jpi-boundary: created" in out, get_boundary(iam)) == (True, (BOUNDARY, 1))
    for _ in range(4):
        change_boundary(iam)
    _, out, _ = run(capsys)
    assert ("jpi-boundary: corrected" in out, get_boundary(iam)) == (True, (BOUNDARY, 5))


def test_roles_of_functions_from_before_the_boundary_get_it(iam, capsys):
    names = ("jpi-qa-us-east-1-app", "jpi-qa-us-east-1-log_entries", "administrator")
    for name in names:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(LAMBDA))
    _, out, _ = run(capsys)
    assert "jpi-qa-us-east-1-app: bounded" in out
    boundaries = [iam.get_role(RoleName=name)["Role"].get("PermissionsBoundary", {}) for name in names]
    assert [boundary.get("PermissionsBoundaryArn") for boundary in boundaries] == [BOUNDARY_ARN, BOUNDARY_ARN, None]
    assert "bounded" not in run(capsys)[1]
    assert "jpi-boundary: kept: roles of functions have it" in run(capsys, "--delete")[1]


def test_other_stages_are_named(iam, capsys):
    run(capsys, "--stage", "live", "--stage", "test-2")
    assert get_policy(iam) == load_document(Path("etc/jpi-cfn-role-policy.json"), "aws", ACCOUNT, ("live", "test-2"))
    assert "table/incidents-live" in json.dumps(get_boundary(iam)[0])
    code, _, err = run(capsys, "--stage", "*")
    assert (code != 0, "a stage's name has letters, digits and hyphens" in err) == (True, True)


def test_what_was_changed_by_hand_is_corrected(iam, capsys):
    run(capsys)
    iam.delete_role_policy(RoleName=ROLE, PolicyName="jpi")
    iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(LAMBDA))
    arn = iam.create_policy(PolicyName="Broad", PolicyDocument=json.dumps(POLICY))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=ROLE, PolicyArn=arn)
    _, out, _ = run(capsys)
    assert ("corrected" in out, "--strict removes it" in out, get_policy(iam)) == (True, True, POLICY)
    trust = iam.get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"]
    assert trust == json.loads(Path("etc/jpi-cfn-role-trust-policy.json").read_text())
    run(capsys, "--strict")
    assert iam.list_attached_role_policies(RoleName=ROLE)["AttachedPolicies"] == []


def test_a_dry_run_changes_nothing(iam, capsys):
    code, out, _ = run(capsys, "--dry-run")
    assert (code, "created" in out, iam.list_roles()["Roles"]) == (0, True, [])
    run(capsys)
    run(capsys, "--delete", "--dry-run")
    assert len(iam.list_roles()["Roles"]) == 1


def test_broken_half_way_it_goes_on(iam, capsys, monkeypatch):
    call = BaseClient._make_api_call

    def refuse_policy(self, operation, arguments):
        if operation == "PutRolePolicy":
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)
        return call(self, operation, arguments)

    with monkeypatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", refuse_policy)
        code, out, err = run(capsys)
    assert (code, out.splitlines()[-1]) == (1, "jpi-cfn-role: created")
    assert err == "These credentials may not call PutRolePolicy: no\n"
    code, out, _ = run(capsys)
    assert (code, "permissions written" in out, get_policy(iam)) == (0, True, POLICY)


def test_an_env_file_that_cannot_be_written_is_named(iam, capsys, tmp_path):
    file = tmp_path / "none" / ".env"
    assert run(capsys, "--write-env", str(file))[::2] == (1, f"{file}: No such file or directory\n")


def test_with_the_role_its_arn_goes(iam, capsys, tmp_path):
    run(capsys, "--write-env", str(tmp_path / ".env"))
    run(capsys, "--delete", "--write-env", str(tmp_path / ".env"))
    assert dotenv_values(tmp_path / ".env") == {"CFN_ROLE_ARN": ""}


def test_it_is_taken_away(iam, capsys):
    run(capsys)
    change_boundary(iam)
    assert run(capsys, "--delete")[:2] == (0, "jpi-cfn-role: deleted\njpi-boundary: deleted\n")
    assert (iam.list_roles()["Roles"], iam.list_policies(Scope="Local")["Policies"]) == ([], [])
    assert run(capsys, "--delete")[:2] == (0, "jpi-cfn-role: did not exist\njpi-boundary: did not exist\n")


@pytest.mark.parametrize(("code", "text"), [
    ("AccessDenied", "These credentials may not call GetCallerIdentity"),
    ("ExpiredToken", "AWS rejects these credentials (ExpiredToken)"),
])
def test_what_aws_refuses_is_said_in_a_line(capsys, monkeypatch, code, text):
    def refuse_call(*_):
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "GetCallerIdentity")

    monkeypatch.setattr(aws_configuration.aws, "make_client", refuse_call)
    exit_code, _, err = run(capsys)
    assert (exit_code, err.count("\n"), text in err) == (1, 1, True)


def test_without_credentials_or_a_way_there_it_says_so(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    # boto3's default session keeps the credentials of another test.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    code, _, err = run(capsys)
    assert (code, "run `aws configure`" in err) == (1, True)
    for name, value in {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
                        "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}.items():
        monkeypatch.setenv(name, value)
    code, _, err = run(capsys)
    assert (code, "127.0.0.1:9" in err, "Traceback" in err) == (1, True, False)


def test_every_action_is_one_that_aws_knows():
    session = get_session()
    actions = {action for statement in POLICY["Statement"] for action in statement["Action"]}
    for action in actions - NO_OPERATIONS:
        service, _, name = action.partition(":")
        assert name in session.get_service_model(service).operation_names, action
    assert actions >= NO_OPERATIONS


def test_nothing_is_allowed_on_everything_but_what_has_no_name():
    wide = {action for statement in POLICY["Statement"]
            if "*" in statement.get("Resource", ()) and "Condition" not in statement for action in statement["Action"]}
    assert wide == {"sns:Unsubscribe"}


def test_whatever_the_stack_is_made_of_may_be_made():
    files = [*Path("sls/resources").iterdir(), Path("serverless.yml")]
    kinds = set(re.findall(r"AWS::(\w+)::", " ".join(file.read_text() for file in files)))
    allowed = {action.partition(":")[0] for statement in POLICY["Statement"] for action in statement["Action"]}
    assert {SERVICES[kind] for kind in kinds} <= allowed


@pytest.mark.parametrize(("kind", "arn"), [
    ("CloudWatch::Alarm", "cloudwatch:eu-west-1:123456789012:alarm:jpi-qa-poll"),
    ("CloudWatch::Dashboard", "cloudwatch::123456789012:dashboard/jpi-qa"),
    ("DynamoDB::Table", "dynamodb:eu-west-1:123456789012:table/log-entries-qa"),
    ("Events::Rule", "events:eu-west-1:123456789012:rule/jpi-qa-LogUnderscoreentriesEventsRuleSchedule1-1A"),
    ("IAM::Role", "iam::123456789012:role/jpi-qa-eu-west-1-app"),
    ("Lambda::EventSourceMapping", "lambda:eu-west-1:123456789012:event-source-mapping:fa123456-14a1"),
    ("Lambda::Function", "lambda:eu-west-1:123456789012:function:jpi-qa-app"),
    ("Logs::LogGroup", "logs:eu-west-1:123456789012:log-group:/aws/lambda/jpi-qa-app"),
    ("S3::Bucket", "s3:::jpi-qa-serverlessdeploymentbucket-1a2b"),
    ("SNS::Topic", "sns:eu-west-1:123456789012:jpi-alarms-qa"),
    ("SQS::Queue", "sqs:eu-west-1:123456789012:jpi-events-qa.fifo"),
])
def test_whatever_the_stack_is_made_of_may_be_tagged_and_read(kind, arn):
    # Imported late: these schemas take 40 MB, which each fork of a worker would copy.
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
    # CloudFormation tags and reads every resource that it creates; without the right to, it fails.
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-west-1", f"AWS::{kind}").schema
    read = schema["handlers"]["read"]["permissions"] if kind not in READ_OTHERWISE else []
    needed = [*schema["tagging"]["permissions"], *read]
    allowed = {action for statement in POLICY["Statement"] for action in statement["Action"]
               if statement["Effect"] == "Allow"
               and any(fnmatchcase(f"arn:aws:{arn}", pattern) for pattern in statement["Resource"])}
    # IAM calls the first one PutBucketTagging; the others are for settings that our template does not use.
    assert set(needed) - allowed - {"s3:DeleteBucketTagging", "kms:Decrypt", "iam:PassRole"} == set()


def test_other_policies_of_its_own_are_named_and_taken_off(iam, capsys):
    run(capsys)
    iam.put_role_policy(RoleName=ROLE, PolicyName="admin", PolicyDocument=json.dumps(POLICY))
    _, out, _ = run(capsys)
    assert "admin: is not needed; --strict removes it" in out
    run(capsys, "--strict", "--dry-run")
    assert set(iam.list_role_policies(RoleName=ROLE)["PolicyNames"]) == {"admin", "jpi"}
    _, out, _ = run(capsys, "--strict")
    assert ("admin: removed" in out, iam.list_role_policies(RoleName=ROLE)["PolicyNames"]) == (True, ["jpi"])
