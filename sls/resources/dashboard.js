// What a look at jpi needs: deliveries, how long events wait, what failed, how long the functions take.
const { STAGE, region } = require('../env.js');

const FUNCTIONS = ['app', 'log_entries', 'events'];
const QUEUES = [`jpi-events-${STAGE}.fifo`, `jpi-events-${STAGE}-dead.fifo`];

const api = (metric, label) => ['AWS/ApiGateway', metric, 'ApiName', `${STAGE}-jpi`, { stat: 'Sum', label }];
const queue = (name, metric, label) => ['AWS/SQS', metric, 'QueueName', name, { stat: 'Maximum', label }];
const each = (metric, stat) => FUNCTIONS.map((name) => ['AWS/Lambda', metric, 'FunctionName', `jpi-${STAGE}-${name}`, { stat, label: name }]);

const figure = (metric, dimensions, settings) => ['jpi', metric, 'stage', STAGE, ...dimensions, settings];
const calls = (metric) => ['jira', 'pagerduty'].map((api) => figure(metric, ['api', api], { stat: 'Sum', label: `${api} ${metric}` }));
const results = ['applied', 'failed'].flatMap((result) => ['webhook', 'poll']
  .map((source) => figure('events', ['source', source, 'result', result], { stat: 'Sum', label: `${result}, by ${source}` })));

const graph = (title, metrics) => ({ type: 'metric', width: 12, height: 6, properties: { title, region, metrics, period: 60, view: 'timeSeries' } });
const lines = (title, query) => ({
  type: 'log',
  width: 24,
  height: 8,
  properties: { title, region, view: 'table', query: [...FUNCTIONS.map((name) => `SOURCE '/aws/lambda/jpi-${STAGE}-${name}'`), query].join(' | ') },
});

const widgets = [
  graph('Deliveries', [api('Count', 'taken in'), api('4XXError', 'refused'), api('5XXError', 'failed, sent again')]),
  graph('Waiting to be applied, seconds and events', [
    queue(QUEUES[0], 'ApproximateAgeOfOldestMessage', 'oldest, seconds'),
    queue(QUEUES[0], 'ApproximateNumberOfMessagesVisible', 'events'),
    queue(QUEUES[1], 'ApproximateNumberOfMessagesVisible', 'parked'),
  ]),
  graph('Events', results),
  graph('From happening to applied, milliseconds', ['p50', 'p95'].map((stat) => figure('lag_ms', [], { stat, label: stat }))),
  graph('API calls', calls('calls')),
  graph('API calls that failed, were limited (429) or repeated', [...calls('errors'), ...calls('limited'), ...calls('retries')]),
  graph('Failed and held back', [...each('Errors', 'Sum'), ...each('Throttles', 'Sum')]),
  graph('Duration, p95, milliseconds', each('Duration', 'p95')),
  lines('What was not applied, and why', "fields @timestamp, incident, issue, type, reason | filter outcome = 'failed' or level = 'ERROR' | sort @timestamp desc | limit 50"),
];

module.exports = {
  Resources: {
    Dashboard: {
      Type: 'AWS::CloudWatch::Dashboard',
      Properties: { DashboardName: `jpi-${STAGE}`, DashboardBody: JSON.stringify({ widgets }) },
    },
  },
};
