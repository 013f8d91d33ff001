// `--env`, the .venv for every command, what must be there before a deployment, and `sls dynamodb`.
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const env = require('./env.js');

const ROOT = path.join(__dirname, '..');
const PYTHON = env.python;
const ENV = { env: { usage: 'Read .env.<env> in place of .env', type: 'string' } };
const START = {
  port: { usage: 'Port on 127.0.0.1; else that of DATABASE_ENDPOINT_URL', shortcut: 'p', type: 'string' },
  jar: { usage: "A DynamoDBLocal.jar of your own, to be run in moto's place", type: 'string' },
};

const declare = (tree) => Object.fromEntries(Object.entries(tree).map(([name, sub]) => [name, { options: ENV, commands: declare(sub) }]));

module.exports = class {
  constructor(serverless) {
    this.serverless = serverless;
    this.options = serverless.processedInput.options;
    this.refuse(env.mistake());
    this.useVenv();
    this.commands = {
      ...declare({
        deploy: { function: {}, list: {} }, package: {}, print: {}, info: {}, logs: {}, metrics: {}, remove: {}, rollback: {},
        invoke: { local: {} }, wsgi: { serve: {}, exec: {}, command: {}, flask: {} },
      }),
      login: { usage: 'Not needed: sls works without an account', lifecycleEvents: ['login'] },
      dynamodb: {
        usage: 'A DynamoDB on this machine',
        commands: {
          install: { usage: 'Look whether what it needs is here', lifecycleEvents: ['install'], options: ENV },
          start: { usage: 'Start it, with the tables of serverless.yml', lifecycleEvents: ['start'], options: { ...ENV, ...START } },
        },
      },
    };
    this.hooks = {
      'before:package:createDeploymentArtifacts': () => this.writeRequirements(),
      'before:deploy:function:packageFunction': () => this.writeRequirements(),
      'before:package:cleanup': () => this.check(),
      'before:deploy:function:initialize': () => this.check(),
      'login:login': () => this.serverless.cli.log('No login is needed: sls works without an account. AWS credentials are enough.'),
      'dynamodb:install:install': () => this.install(),
      'dynamodb:start:start': () => this.start(),
    };
  }

  // `sls invoke local` takes python from there.
  useVenv() {
    if (fs.existsSync(PYTHON)) {
      process.env.VIRTUAL_ENV = path.dirname(path.dirname(PYTHON));
      process.env.PATH = `${path.dirname(PYTHON)}${path.delimiter}${process.env.PATH}`;
    }
    process.env.PIPENV_VERBOSITY = '-1';
  }

  // What goes into the artefact, with the lock's hashes: the plugin would have pipenv list it without.
  writeRequirements() {
    const locked = JSON.parse(fs.readFileSync(path.join(ROOT, 'Pipfile.lock'), 'utf8')).default;
    const lines = Object.entries(locked).map(([name, { version, markers, hashes }]) => (
      `${name}${version}${markers ? ` ; ${markers}` : ''}${hashes.map((hash) => ` --hash=${hash}`).join('')}\n`));
    fs.mkdirSync(path.join(ROOT, '.serverless'), { recursive: true });
    fs.writeFileSync(path.join(ROOT, '.serverless', 'locked.txt'), lines.join(''));
  }

  // Only what is deployed: on this machine jpi is one process, and needs all secrets.
  withholdSecrets() {
    for (const [name, settings] of Object.entries(this.serverless.service.functions)) {
      settings.environment = { ...settings.environment, ...env.secretsOf(name) };
    }
  }

  check() {
    this.refuse(env.missing() || env.outOfReach() || this.findWrongSettings());
    this.withholdSecrets();
    for (const name of env.unsigned()) {
      this.serverless.cli.log(`${name} is not set: until it is, deliveries are refused. jpi webhooks sets it.`);
    }
  }

  // What the settings and the sync file say is looked at by those who read them.
  findWrongSettings() {
    this.needVenv();
    const { status, stderr } = spawnSync(PYTHON, ['-m', 'jpi.tools.check'], { cwd: ROOT, encoding: 'utf8' });
    return status ? stderr.trim() : '';
  }

  refuse(wrong) {
    if (wrong) throw new this.serverless.classes.Error(wrong);
  }

  needVenv() {
    this.refuse(fs.existsSync(PYTHON) ? '' : 'There is no .venv here yet: run `make setup` first.');
  }

  install() {
    this.needVenv();
    const found = spawnSync(PYTHON, ['-c', 'import moto.server, sandbox.aws.local_dynamodb'], { cwd: ROOT, encoding: 'utf8' });
    if (found.status) throw new this.serverless.classes.Error(`moto is not in .venv: run \`make setup\`.\n${found.stderr}`);
    this.serverless.cli.log('Everything is here. Start it with: sls dynamodb start');
  }

  // Stops with this command, however that is stopped.
  async start() {
    this.needVenv();
    const { port, jar } = this.options;
    const given = [...(port ? ['--port', port] : []), ...(jar ? ['--jar', jar] : [])];
    const child = spawn(PYTHON, ['-m', 'sandbox.aws.local_dynamodb', ...given], { cwd: ROOT, stdio: 'inherit', env: { ...process.env, IS_OFFLINE: 'True' } });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    const code = await new Promise((resolve) => child.on('exit', (left, signal) => resolve(signal ? 0 : left)));
    if (code) throw new this.serverless.classes.Error('DynamoDB did not start; the line above says why.');
  }
};
