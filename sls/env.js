// What serverless.yml takes from the environment: `.env`, or `.env.<name>` with `--env <name>`; the shell's own values win.
const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');

const ROOT = path.join(__dirname, '..');
const REQUIRED = ['JIRA_SERVER_URL', 'JIRA_USER_EMAIL', 'JIRA_API_TOKEN', 'PAGERDUTY_API_TOKEN', 'PAGERDUTY_USER_EMAIL'];
const WEBHOOK_SECRETS = ['JIRA_WEBHOOK_SECRET', 'PAGERDUTY_WEBHOOK_SECRET'];
const TOKENS = ['JIRA_API_TOKEN', 'PAGERDUTY_API_TOKEN'];
// The secrets that each function reads. The others know only that a secret is set: WITHHELD stands in its place.
const SECRETS = { app: [...WEBHOOK_SECRETS, 'PAGERDUTY_V2_TOKEN', 'STATUS_PASSWORD', 'STATUS_KEY'], log_entries: TOKENS, events: TOKENS };
const ALL_SECRETS = [...new Set(Object.values(SECRETS).flat())];
const WITHHELD = 'not-given-to-this-function';
// Of the settings, those that are for this machine or for the deployment itself, and those that the stack decides.
const NOT_FOR_LAMBDA = ['CFN_ROLE_ARN', 'ALARM_EMAIL', 'IS_OFFLINE', 'DATABASE_ENDPOINT_URL', 'STAGE', 'EVENTS_QUEUE'];
const UNITS = { minute: 60, hour: 3600, day: 86400 };

const { env, stage } = parseArgs({
  strict: false,
  options: { env: { type: 'string' }, stage: { type: 'string', short: 's' } },
}).values;
const named = typeof env === 'string' && env !== '';
const file = named ? `.env.${env}` : '.env';
const exists = (name) => fs.existsSync(path.join(ROOT, name));
const there = exists(file);
if (there) process.loadEnvFile(path.join(ROOT, file));

// What `make setup` makes, else the environment that is active, as one of Pipenv's own may be.
const venv = exists('.venv/bin/python') || !process.env.VIRTUAL_ENV ? path.join(ROOT, '.venv') : process.env.VIRTUAL_ENV;

const STAGE = process.env.STAGE || 'dev';
const interval = process.env.PAGERDUTY_POLL_INTERVAL || '1 minute';
const regular = /^(1 (minute|hour|day)|(?!0|1 )\d+ (minute|hour|day)s)$/.test(interval); // AWS takes no '1 minutes'
const [count, unit] = (regular ? interval : '1 minute').replace(/s$/, '').split(' ');

// What is wrong with how it was called, in a line; sls/plugin.js says it: thrown here, it would come with a stack.
function mistake() {
  if (env !== undefined && !named) return '--env needs a name: `--env qa` reads .env.qa';
  if (named && !there) return `--env ${env}: there is no file ${file} here; copy .env.example to it and fill it in`;
  if (named && STAGE !== env) return `--env ${env}: STAGE is '${STAGE}', in ${file} or the shell; it must be '${env}'`;
  if (there && !named && exists(`.env.${STAGE}`)) return `STAGE is '${STAGE}', and that has a file of its own, .env.${STAGE}: use --env ${STAGE}`;
  if (stage && stage !== STAGE) return `--stage ${stage}: the stage comes from STAGE ('${STAGE}'), so use --env`;
  if (!regular) return `PAGERDUTY_POLL_INTERVAL is '${interval}'; it must be like '1 minute', '5 minutes' or '1 hour'`;
  return '';
}

const names = [...fs.readFileSync(path.join(ROOT, '.env.example'), 'utf8').matchAll(/^([A-Z0-9_]+)=/gm)].map((found) => found[1]);
const given = names.filter((name) => !NOT_FOR_LAMBDA.includes(name) && process.env[name] !== undefined);

// One line for each thing without which a deployment cannot work.
function missing() {
  const empty = REQUIRED.filter((name) => !process.env[name]);
  const where = there ? file : `${file}, which is not there: copy .env.example to it`;
  return empty.length ? `${empty.join(', ')} ${empty.length > 1 ? 'are' : 'is'} missing in ${where}` : '';
}

// The references `ssm:...` and `secretsmanager:...` in these settings, each as [setting, reference].
function references(settings) {
  return settings.flatMap((name) => (process.env[name] || '').split(',').map((part) => [name, part.trim()]))
    .filter(([, reference]) => /^(ssm|secretsmanager):/.test(reference));
}

// Secrets that are named where the functions may not read them: sls/resources/roles.js.
function outOfReach() {
  const wrong = references(ALL_SECRETS)
    .filter(([, reference]) => !reference.startsWith(`ssm:/jpi/${STAGE}/`) && !reference.startsWith(`secretsmanager:jpi/${STAGE}/`));
  return wrong.map(([name, reference]) => `${name} (${reference}) must begin with ssm:/jpi/${STAGE}/ or secretsmanager:jpi/${STAGE}/`).join('; ');
}

// The settings that hold secrets, as a function gets them.
function secretsOf(name) {
  return Object.fromEntries(ALL_SECRETS.filter((secret) => process.env[secret])
    .map((secret) => [secret, SECRETS[name].includes(secret) ? process.env[secret] : WITHHELD]));
}

function unsigned() {
  return WEBHOOK_SECRETS.filter((name) => !process.env[name]);
}

module.exports = {
  STAGE,
  python: path.join(venv, 'bin', 'python'),
  mistake,
  missing,
  outOfReach,
  unsigned,
  secretsOf,
  referencesOf: (name) => references(SECRETS[name]).map(([, reference]) => reference),
  region: process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION || 'us-east-1',
  environment: Object.fromEntries(given.map((name) => [name, process.env[name]])),
  tables: {
    incidents: process.env.INCIDENTS_TABLE || `incidents-${STAGE}`,
    log_entries: process.env.LOG_ENTRIES_TABLE || `log-entries-${STAGE}`,
    config: process.env.CONFIG_TABLE || `config-${STAGE}`,
  },
  iam: process.env.CFN_ROLE_ARN ? { deploymentRole: process.env.CFN_ROLE_ARN } : {},
  // The boundary is there where `jpi deploy-role` has made the role, and the role demands it.
  boundary: process.env.CFN_ROLE_ARN ? { PermissionsBoundary: { 'Fn::Sub': 'arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/jpi-boundary' } } : {},
  // Jira sends at most 30 deliveries at once to one address; a storm of incidents stays far below.
  throttle: { rate: 100, burst: 200 },
  rate: `rate(${interval})`,
  // Three polls, a quarter of an hour at least, and no more than the week that CloudWatch looks back.
  pollSilence: Math.min(604800, Math.max(900, 3 * count * UNITS[unit])),
  // What people's incidents are linked by outlives the stack in production only; not one whose first deployment fails, since
  // the next would find tables in its way.
  keep: STAGE === 'prod' ? { deleted: 'RetainExceptOnCreate', replaced: 'Retain' } : { deleted: 'Delete', replaced: 'Delete' },
  subscribers: process.env.ALARM_EMAIL ? [{ Protocol: 'email', Endpoint: process.env.ALARM_EMAIL }] : [],
  architecture: process.env.JPI_ARCHITECTURE || 'arm64',
  platform: { arm64: 'manylinux2014_aarch64', x86_64: 'manylinux2014_x86_64' }[process.env.JPI_ARCHITECTURE || 'arm64'],
};
