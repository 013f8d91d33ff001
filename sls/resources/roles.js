// One role a function, with no more than that function does, within the boundary of etc/jpi-boundary-policy.json.
const { STAGE, region, boundary, referencesOf } = require('../env.js');

const arn = (service, name) => ({ 'Fn::Sub': `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${name}` });
const allow = (actions, resources, condition) => ({
  Effect: 'Allow', Action: actions, Resource: resources, ...(condition ? { Condition: condition } : {}),
});
const attribute = (resource) => ({ 'Fn::GetAtt': [resource, 'Arn'] });
const index = (name) => ({ 'Fn::Sub': `\${IncidentsTable.Arn}/index/${name}` });
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
// Decrypting for one service, and only what is stored under these names.
const decrypt = (service, context, resources) => allow(['kms:Decrypt'], [arn('kms', 'key/*')], {
  StringEquals: { 'kms:ViaService': `${service}.${region}.amazonaws.com` }, ArnLike: { [`kms:EncryptionContext:${context}`]: resources },
});
const read = (action, service, context, resources) => (resources.length ? [allow([action], resources), decrypt(service, context, resources)] : []);
// The function's own secrets, where its settings have the form `ssm:/jpi/<stage>/...` or `secretsmanager:jpi/<stage>/...`.
const secrets = (name) => {
  const named = (prefix) => [...new Set(referencesOf(name).filter((one) => one.startsWith(prefix)).map((one) => one.slice(prefix.length).split(':')[0]))];
  return [
    ...read('ssm:GetParameters', 'ssm', 'PARAMETER_ARN', named('ssm:').map((one) => arn('ssm', `parameter${one}`))),
    // AWS adds a hyphen and six characters to the name of a secret.
    ...read('secretsmanager:GetSecretValue', 'secretsmanager', 'SecretARN', named('secretsmanager:').map((one) => arn('secretsmanager', `secret:${one}-??????`))),
  ];
};

const role = (name, statements) => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    RoleName: `jpi-${STAGE}-${region}-${name}`,
    ...boundary,
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
          ...secrets(name),
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
