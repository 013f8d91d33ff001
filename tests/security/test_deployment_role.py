"""Attack: a colleague who may have CloudFormation deploy with jpi's role, and wants to be an administrator by it."""

import re

import pytest

from tests.security.policies import ACCOUNT, BOUNDARY_ARN, REGION, STAGES, is_allowed, load_policy

POLICY = load_policy("jpi-cfn-role-policy")
BOUNDARY = load_policy("jpi-boundary-policy")
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
EVERYTHING = {"Statement": [{"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}]}
# What the role was allowed before there was a boundary: with it each attack on roles succeeds.
FORMER = {"Statement": [
    {"Effect": "Allow", "Action": ["iam:CreateRole", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:PassRole"],
     "Resource": [f"arn:aws:iam::{ACCOUNT}:role/jpi-*"]},
    {"Effect": "Allow", "Action": ["apigateway:*"],
     "Resource": ["arn:aws:apigateway:*::/restapis/*", "arn:aws:apigateway:*::/tags/*"]},
    {"Effect": "Allow", "Action": ["lambda:AddPermission"], "Resource": [
        f"arn:aws:lambda:*:{ACCOUNT}:function:jpi-qa-*"]},
    {"Effect": "Allow", "Action": ["lambda:GetEventSourceMapping"], "Resource": [
        f"arn:aws:lambda:*:{ACCOUNT}:event-source-mapping:*"]},
    {"Effect": "Allow", "Action": ["iam:DeleteRole", "iam:GetRolePolicy", "iam:TagRole"], "Resource": [
        f"arn:aws:iam::{ACCOUNT}:role/jpi-qa-*"]},
    {"Effect": "Allow", "Action": ["events:PutTargets"], "Resource": [f"arn:aws:events:*:{ACCOUNT}:rule/jpi-qa-*"]},
    {"Effect": "Allow", "Action": ["dynamodb:DeleteTable"], "Resource": [
        "arn:aws:dynamodb:*:*:table/incidents-*", "arn:aws:dynamodb:*:*:table/config-*"]}]}


def role(name="jpi-qa-us-east-1-app"):
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def arn(service, name, account=ACCOUNT):
    return f"arn:aws:{service}:{REGION}:{account}:{name}"


POLLED = arn("lambda", "function:jpi-qa-log_entries")
APIS = f"arn:aws:apigateway:{REGION}::/restapis"
# The ARN of what has the tags is encoded in the address, as in the refusals of API Gateway.
API_TAGS = f"arn:aws:apigateway:{REGION}::/tags/arn%3Aaws%3Aapigateway%3A{REGION}%3A%3A%2F"
BOUNDED = {"iam:PermissionsBoundary": BOUNDARY_ARN}
TO_LAMBDA = {"iam:PassedToService": "lambda.amazonaws.com"}
# (action, resource, what the request carries)
FORMER_ATTACKS = [
    ("iam:CreateRole", role(), {}),
    ("iam:CreateRole", role(), {"iam:PermissionsBoundary": ADMINISTRATOR}),
    ("iam:PutRolePolicy", role(), {}),
    ("iam:PutRolePolicy", role("jpi-administrator"), {}),
    ("iam:UpdateAssumeRolePolicy", role(), BOUNDED),
    ("iam:PassRole", role("jpi-administrator"), TO_LAMBDA),
    ("apigateway:DELETE", f"{APIS}/a1b2c3d4e5", {"apigateway:Resource/ApiName": "shop"}),
    ("dynamodb:DeleteTable", arn("dynamodb", "table/config-billing"), {}),
    ("dynamodb:DeleteTable", arn("dynamodb", "table/incidents-archive"), {}),
    *(("lambda:AddPermission", arn("lambda", "function:jpi-qa-app"), context)
      for context in ({"lambda:Principal": "*"}, {"lambda:Principal": "999999999999"}, {})),
    *(("events:PutTargets", arn("events", "rule/jpi-qa-poll"), context) for context in (
        {"events:TargetArn": arn("lambda", "function:payments")},
        {"events:TargetArn": [POLLED, arn("sqs", "payments")]}, {})),
    *(("lambda:GetEventSourceMapping", arn("lambda", "event-source-mapping:1a2b"), context)
      for context in ({"lambda:FunctionArn": arn("lambda", "function:payments")}, {})),
    *((action, role("jpi-qa-administrator"), {}) for action in ("iam:DeleteRole", "iam:GetRolePolicy", "iam:TagRole")),
    *((f"apigateway:{verb}", f"{API_TAGS}{kind}%2Fx", {})
      for verb in ("GET", "PUT") for kind in ("v2%2Fapis", "domainnames", "apikeys")),
]
ATTACKS = [
    *FORMER_ATTACKS,
    ("iam:PassRole", role("jpi-cfn-role"), TO_LAMBDA),
    ("iam:CreateRole", role("administrator"), BOUNDED),
    ("iam:PutRolePolicy", role("jpi-cfn-role"), BOUNDED),
    ("iam:AttachRolePolicy", role(), BOUNDED),
    ("iam:DeleteRolePermissionsBoundary", role(), BOUNDED),
    ("iam:PutRolePermissionsBoundary", role(), {"iam:PermissionsBoundary": ADMINISTRATOR}),
    ("iam:CreatePolicyVersion", BOUNDARY_ARN, {}),
    ("iam:SetDefaultPolicyVersion", BOUNDARY_ARN, {}),
    ("iam:DeletePolicy", BOUNDARY_ARN, {}),
    ("iam:PassRole", role("administrator"), TO_LAMBDA),
    ("iam:PassRole", role(), {"iam:PassedToService": "ec2.amazonaws.com"}),
    ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/jpi-qa-x", {}),
    ("lambda:UpdateFunctionCode", arn("lambda", "function:payments"), {}),
    ("lambda:UpdateFunctionCode", arn("lambda", "function:jpi-qa-app", "999999999999"), {}),
    ("lambda:CreateEventSourceMapping", "*", {"lambda:FunctionArn": arn("lambda", "function:payments")}),
    ("lambda:InvokeFunction", arn("lambda", "function:jpi-qa-app"), {}),
    ("dynamodb:GetItem", arn("dynamodb", "table/incidents-prod"), {}),
    ("dynamodb:DeleteTable", arn("dynamodb", "table/incidents-staging"), {}),
    ("sqs:ReceiveMessage", arn("sqs", "jpi-events-prod.fifo"), {}),
    ("sqs:DeleteQueue", arn("sqs", "jpi-events-billing"), {}),
    ("ssm:GetParameters", arn("ssm", "parameter/jpi/prod/jira-api-token"), {}),
    ("logs:DeleteLogGroup", arn("logs", "log-group:/aws/lambda/payments"), {}),
    ("s3:GetObject", "arn:aws:s3:::shop/keys", {}),
    ("events:PutTargets", arn("events", "rule/payments"), {}),
    ("apigateway:POST", APIS, {"apigateway:Request/ApiName": "shop"}),
    ("apigateway:PATCH", f"arn:aws:apigateway:{REGION}::/account", {}),
    ("apigateway:POST", f"{APIS}/a1b2c3d4e5/authorizers", {}),
]


@pytest.mark.parametrize(("action", "resource", "context"), ATTACKS, ids=str)
def test_the_role_does_not_do_it(action, resource, context):
    assert not is_allowed(POLICY, action, resource, context)


@pytest.mark.parametrize(("action", "resource", "context"), FORMER_ATTACKS, ids=str)
def test_the_former_role_did_it(action, resource, context):
    assert is_allowed(FORMER, action, resource, context)


@pytest.mark.parametrize("stage", STAGES)
def test_what_a_deployment_needs_is_allowed(stage):
    function = {"lambda:FunctionArn": arn("lambda", f"function:jpi-{stage}-events")}
    needed = [
        *((action, role(f"jpi-{stage}-{REGION}-{name}"), BOUNDED) for name in ("app", "log_entries", "events")
          for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary", "iam:DeleteRole")),
        ("iam:PassRole", role(f"jpi-{stage}-{REGION}-events"), TO_LAMBDA),
        *(("dynamodb:CreateTable", arn("dynamodb", f"table/{name}-{stage}"), {})
          for name in ("incidents", "log-entries", "config")),
        ("sqs:CreateQueue", arn("sqs", f"jpi-events-{stage}.fifo"), {}),
        ("sqs:CreateQueue", arn("sqs", f"jpi-events-{stage}-dead.fifo"), {}),
        ("lambda:CreateFunction", arn("lambda", f"function:jpi-{stage}-app"), {}),
        ("lambda:CreateEventSourceMapping", "*", function),
        *((f"lambda:{verb}EventSourceMapping", arn("lambda", "event-source-mapping:1a2b"), function)
          for verb in ("Get", "Update", "Delete")),
        *(("lambda:AddPermission", arn("lambda", f"function:jpi-{stage}-{name}"), {
            "lambda:Principal": f"{caller}.amazonaws.com"})
          for name, caller in (("app", "apigateway"), ("log_entries", "events"))),
        ("events:PutTargets", arn("events", f"rule/jpi-{stage}-poll"), {
            "events:TargetArn": [arn("lambda", f"function:jpi-{stage}-log_entries")]}),
        ("apigateway:POST", APIS, {"apigateway:Request/ApiName": f"{stage}-jpi"}),
        ("apigateway:DELETE", f"{APIS}/a1b2c3d4e5", {"apigateway:Resource/ApiName": f"{stage}-jpi"}),
        ("apigateway:PUT", f"{APIS}/a1b2c3d4e5/resources/x1/methods/ANY", {}),
        ("apigateway:POST", f"{APIS}/a1b2c3d4e5/deployments", {}),
        ("apigateway:PUT", f"{API_TAGS}restapis%2Fa1b2c3d4e5%2Fstages%2F{stage}", {}),
        ("logs:CreateLogGroup", arn("logs", f"log-group:jpi-{stage}-access"), {}),
        ("cloudwatch:PutMetricAlarm", arn("cloudwatch", f"alarm:jpi-{stage}-poll"), {}),
    ]
    assert [request for request in needed if not is_allowed(POLICY, *request)] == []


ESCAPES = [
    ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/mallory", {}),
    ("sts:AssumeRole", role("administrator"), {}),
    ("s3:GetObject", "arn:aws:s3:::shop/keys", {}),
    ("ssm:GetParameters", arn("ssm", "parameter/shop/stripe-key"), {}),
    ("secretsmanager:GetSecretValue", arn("secretsmanager", "secret:shop/stripe-1a2b3c"), {}),
    ("dynamodb:Scan", arn("dynamodb", "table/orders"), {}),
    ("dynamodb:GetItem", arn("dynamodb", "table/orders"), {}),
    ("lambda:UpdateFunctionCode", arn("lambda", "function:payments"), {}),
    ("kms:Decrypt", arn("kms", "key/1a2b"), {}),
    ("kms:Decrypt", arn("kms", "key/1a2b"), {"kms:ViaService": f"ssm.{REGION}.amazonaws.com",
                                            "kms:EncryptionContext:PARAMETER_ARN": arn("ssm", "parameter/shop/key")}),
]


@pytest.mark.parametrize(("action", "resource", "context"), ESCAPES, ids=str)
def test_no_role_leaves_the_boundary_whatever_policy_is_written_onto_it(action, resource, context):
    assert not is_allowed(EVERYTHING, action, resource, context, boundary=BOUNDARY)
    assert is_allowed(EVERYTHING, action, resource, context)


KINDS = "(function:|role/|policy/|table/|log-group:/aws/lambda/|log-group:|alarm:|dashboard/|rule/|parameter/|secret:)?"
STAGE = "(dev|qa|prod)"
OWN_NAMES = re.compile(rf"{KINDS}(jpi[-/].*|(incidents|log-entries|config)-{STAGE}(/index/\*)?)")
# IAM has no names for these, or AWS lists all of a kind together: each is bound by a condition, or only read or tagged.
NAMELESS = {"QueueToFunction", "QueueToFunctionHasNoName", "SubscriptionsHaveNoName",
            "AlarmsAreListedTogether", "LogGroupsAreListedTogether", "EndpointIsNamedWhenItIsMade", "Endpoint",
            "PartsOfAnEndpointHaveNoName", "EndpointsAreReadById", "KeysOfParameters", "KeysOfManagedSecrets"}


@pytest.mark.parametrize("policy", [POLICY, BOUNDARY], ids=["role", "boundary"])
def test_every_name_is_jpis(policy):
    named = [statement for statement in policy["Statement"] if statement["Sid"] not in NAMELESS]
    names = [resource.split(":", 5)[5] for statement in named
             for resource in statement.get("Resource") or statement["NotResource"]]
    assert [name for name in names if not OWN_NAMES.fullmatch(name)] == []
    assert {statement["Sid"] for statement in POLICY["Statement"] + BOUNDARY["Statement"]} >= NAMELESS


def test_a_boundary_is_demanded_wherever_a_role_could_gain_rights():
    granting = {"iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"}
    statements = [statement for statement in POLICY["Statement"] if granting & set(statement["Action"])]
    assert [statement["Condition"] for statement in statements] == [
        {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY_ARN}}]


def test_iam_takes_both_documents():
    # IAM counts without blanks: 10,240 characters in a role's own policies, 6,144 in a managed one.
    for partition in ("aws", "aws-cn", "aws-us-gov"):
        policies = [load_policy(f"jpi-{name}-policy", partition) for name in ("cfn-role", "boundary")]
        sizes = [len("".join(str(policy).split())) for policy in policies]
        assert (sizes[0] < 10_240, sizes[1] < 6_144) == (True, True), partition
