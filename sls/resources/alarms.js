// What somebody has to look at; what to do on each: docs/operations.md.
const { STAGE, pollSilence, subscribers } = require('../env.js');

const of = (resource, attribute) => ({ 'Fn::GetAtt': [resource, attribute] });
const metric = (Namespace, MetricName, name, value) => ({ Namespace, MetricName, Dimensions: [{ Name: name, Value: value }] });
const queue = (resource, name) => metric('AWS/SQS', name, 'QueueName', of(resource, 'QueueName'));
const api = (name) => metric('AWS/ApiGateway', name, 'ApiName', `${STAGE}-jpi`);
const lambda = (name, resource) => metric('AWS/Lambda', name, 'FunctionName', { Ref: `${resource}LambdaFunction` });
const over = (Threshold, Statistic, Period) => ({
  Threshold, Statistic, Period, ComparisonOperator: 'GreaterThanThreshold', TreatMissingData: 'notBreaching',
});

const POLL = 'LogUnderscoreentries';
const read = (Id, name) => ({ Id, ReturnData: false, MetricStat: { Metric: lambda(name, POLL), Period: pollSilence, Stat: 'Sum' } });
// Both are told of every invocation, or neither: where there is none, the data is missing, and that is the alarm.
const polls = {
  Metrics: [{ Id: 'succeeded', Expression: 'invocations - errors', Label: 'Polls that succeeded' }, read('invocations', 'Invocations'), read('errors', 'Errors')],
  Threshold: 1, ComparisonOperator: 'LessThanThreshold', TreatMissingData: 'breaching',
};

// Of a webhook's deliveries in an hour more than half, and five at least: the access lines of jpi/handlers/app.py carry both.
const count = (service, name) => ({
  Id: name, ReturnData: false, MetricStat: { Metric: metric('jpi', `${service}_${name}`, 'stage', STAGE), Period: 3600, Stat: 'Sum' },
});
const refusals = (service) => ({
  Metrics: [{ Id: 'mostly', Expression: 'IF(refusals >= 5 AND 2 * refusals > deliveries, refusals, 0)', Label: 'Refused deliveries' },
    count(service, 'refusals'), count(service, 'deliveries')],
  Threshold: 0, ComparisonOperator: 'GreaterThanThreshold', TreatMissingData: 'notBreaching',
});

const REFUSED = 'Most deliveries of this webhook are refused: its secret differs from the setting, or somebody floods the address. '
  + 'After three refusals in a row PagerDuty switches the webhook off.';
const FAILED = 'The function failed. Its log says why.';
const HELD_BACK = "Lambda held the function back; the account's concurrency is used up. Deliveries may be refused.";
// An alarm a function: in a sum, one that was not called in the period would leave the sum without any value.
const ALARMS = {
  'dead-letters': ['Events could not be applied and were parked. See them with `jpi --env <stage> replay`.',
    { ...queue('DeadLetterQueue', 'ApproximateNumberOfMessagesVisible'), ...over(0, 'Maximum', 60) }],
  'oldest-message': ['An event has been waiting for more than five minutes.',
    { ...queue('EventsQueue', 'ApproximateAgeOfOldestMessage'), ...over(300, 'Maximum', 60) }],
  'errors-app': [FAILED, { ...lambda('Errors', 'App'), ...over(0, 'Sum', 300) }],
  'errors-log_entries': [FAILED, { ...lambda('Errors', POLL), ...over(0, 'Sum', 300) }],
  'errors-events': [FAILED, { ...lambda('Errors', 'Events'), ...over(0, 'Sum', 300) }],
  'throttles-app': [HELD_BACK, { ...lambda('Throttles', 'App'), ...over(0, 'Sum', 300) }],
  // Not of the poll: a second one while the first still runs is held back on purpose.
  'throttles-events': [HELD_BACK, { ...lambda('Throttles', 'Events'), ...over(0, 'Sum', 300) }],
  // The log line "a link is paused" carries it.
  'paused-links': ['jpi wrote too much for a link and paused it for an hour. Its log line and its history say who answers whom.',
    { ...metric('jpi', 'paused_links', 'stage', STAGE), ...over(0, 'Sum', 300) }],
  // The log line "a service may not know us" carries it.
  tokens: ['A service may not know the token: it expired, or it is of another account. The log line of log_entries names it.',
    { ...metric('jpi', 'token_doubts', 'stage', STAGE), ...over(0, 'Sum', 300) }],
  poll: ['No poll has succeeded for three intervals, a quarter of an hour at least.', polls],
  // `app` answers 5xx where it cannot take a delivery, which Lambda does not count as a failure of the function.
  'failed-deliveries': ['Deliveries could not be taken and were answered 5xx. The log of app says why.',
    { ...api('5XXError'), ...over(0, 'Sum', 300) }],
  'refused-pagerduty': [REFUSED, refusals('pagerduty')],
  'refused-jira': [REFUSED, refusals('jira')],
};

const logical = (name) => `${name.replace(/(^|[-_])(\w)/g, (_, before, letter) => letter.toUpperCase())}Alarm`;
const topic = [{ Ref: 'AlarmsTopic' }];
const alarm = (name, [AlarmDescription, watched]) => [logical(name), {
  Type: 'AWS::CloudWatch::Alarm',
  Properties: { AlarmName: `jpi-${STAGE}-${name}`, AlarmDescription, EvaluationPeriods: 1, ...watched, AlarmActions: topic, OKActions: topic },
}];

module.exports = {
  Resources: {
    AlarmsTopic: { Type: 'AWS::SNS::Topic', Properties: { TopicName: `jpi-alarms-${STAGE}`, Subscription: subscribers } },
    ...Object.fromEntries(Object.entries(ALARMS).map(([name, one]) => alarm(name, one))),
  },
};
