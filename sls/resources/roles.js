// One role a function, with no more than that function does; only what has no name of its own is given by pattern.
const { STAGE, region } = require('../env.js');

const arn = (service, name) => ({ 'Fn::Sub': `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${name}` });
const allow = (actions, resources, condition) => ({
  Effect: 'Allow', Action: actions, Resource: resources, ...(condition ? { Condition: condition } : {}),
});
const attribute = (resource) => ({ 'Fn::GetAtt': [resource, 'Arn'] });
const index = (name) => ({ 'Fn::Sub': `\${IncidentsTable.Arn}/index/${name}` });
const through = (service) => ({ StringEquals: { 'kms:ViaService': `${service}.${region}.amazonaws.com` } });

const READ = ['dynamodb:GetItem', 'dynamodb:BatchGetItem'];
const tables = [
  allow([...READ, 'dynamodb:PutItem', 'dynamodb:UpdateItem'], [attribute('IncidentsTable'), attribute('ConfigTable')]),
  allow([...READ, 'dynamodb:BatchWriteItem'], [attribute('LogEntriesTable')]),
  allow(['dynamodb:Query'], [index('issue-key-index')]),
];
const send = allow(['sqs:SendMessage', 'sqs:GetQueueUrl'], [attribute('EventsQueue')]);
const receive = allow(
  ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility', 'sqs:GetQueueAttributes', 'sqs:GetQueueUrl'],
  [attribute('EventsQueue')],
);
// Values of the form `ssm:/jpi/<stage>/...` and `secretsmanager:jpi/<stage>/...`.
const secrets = [
  allow(['ssm:GetParameters'], [arn('ssm', `parameter/jpi/${STAGE}/*`)]),
  allow(['secretsmanager:GetSecretValue'], [arn('secretsmanager', `secret:jpi/${STAGE}/*`)]),
  allow(['kms:Decrypt'], [arn('kms', 'key/*')], through('ssm')),
  allow(['kms:Decrypt'], [arn('kms', 'key/*')], through('secretsmanager')),
];

const role = (name, statements) => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    RoleName: `jpi-${STAGE}-${region}-${name}`,
    AssumeRolePolicyDocument: {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
    },
    Policies: [{
      PolicyName: 'jpi',
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [arn('logs', `log-group:/aws/lambda/jpi-${STAGE}-${name}:*`)]),
          ...secrets,
          ...statements,
        ],
      },
    }],
  },
});

module.exports = {
  Resources: {
    // What `webhook_configuration --ping` waits for is noted in the config table.
    // The status page lists links, reads one's history, has it made equal, and asks how full the queues are.
    AppRole: role('app', [
      allow(['dynamodb:Query'], [index('issue-key-index'), index('state-index')]),
      allow(['dynamodb:GetItem', 'dynamodb:PutItem'], [attribute('IncidentsTable')]),
      allow([...READ, 'dynamodb:PutItem', 'dynamodb:UpdateItem'], [attribute('ConfigTable')]),
      allow(['sqs:GetQueueAttributes', 'sqs:GetQueueUrl'], [attribute('EventsQueue'), attribute('DeadLetterQueue')]),
      send,
    ]),
    LogEntriesRole: role('log_entries', [...tables, allow(['dynamodb:Query'], [index('open-index')]), send]),
    EventsRole: role('events', [...tables, receive]),
  },
};
