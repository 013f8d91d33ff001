// Completes what serverless-python-requirements has gathered: jpi itself, its files, and all of it compiled ahead.
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const ROOT = path.join(__dirname, '..');
const RUNTIME = '3.13';
const IF_THERE = ['etc/sync.toml'];
// What no function imports: jpi's commands, what pip makes beside the libraries, and the largest unused parts of libraries.
const UNUSED = [
  'jpi/tools', 'bin', 'requirements.txt', 'certifi/tests', 'werkzeug/debug', 'aws_lambda_powertools/event_handler', 'jira/jirashell.py',
  ...['licenses', 'metadata.py', 'pylock.py', 'dependency_groups.py', 'direct_url.py'].map((name) => `packaging/${name}`),
  ...['auth_alpha', 'circuit_breaker', 'data_masking', 'feature_flags', 'idempotency', 'kafka', 'parameters', 'parser', 'streaming', 'validation']
    .map((name) => `aws_lambda_powertools/utilities/${name}`),
];

module.exports = class {
  constructor(serverless) {
    this.serverless = serverless;
    this.target = path.join(ROOT, '.serverless', 'requirements');
    this.hooks = {
      'before:package:createDeploymentArtifacts': () => this.leaveOutWsgiHandler(),
      'before:deploy:function:packageFunction': () => this.leaveOutWsgiHandler(),
      'package:createDeploymentArtifacts': () => this.complete(),
      'deploy:function:packageFunction': () => this.complete(),
    };
  }

  // serverless-wsgi's handler runs commands for whoever may invoke the function; ours is jpi/handlers/app.py.
  leaveOutWsgiHandler() {
    const { package: packaged } = this.serverless.service;
    packaged.patterns = packaged.patterns.filter((name) => !/^(wsgi_handler\.py|serverless_wsgi\.py|\.serverless-wsgi)$/.test(name));
  }

  complete() {
    fs.cpSync(path.join(ROOT, 'jpi'), path.join(this.target, 'jpi'), { recursive: true, filter: (name) => !/__pycache__/.test(name) });
    const settings = ['QUESTIONS_FILE', 'SYNC_FILE'].map((name) => process.env[name]).filter(Boolean);
    for (const file of new Set([...IF_THERE, ...settings])) this.include(file);
    for (const name of UNUSED) this.drop(name);
    // Of the notes that pip leaves beside each library only the version is ever asked for.
    for (const folder of fs.readdirSync(this.target).filter((name) => name.endsWith('.dist-info'))) {
      for (const name of fs.readdirSync(path.join(this.target, folder)).filter((one) => one !== 'METADATA')) this.drop(path.join(folder, name));
      const metadata = path.join(this.target, folder, 'METADATA');
      fs.writeFileSync(metadata, fs.readFileSync(metadata, 'utf8').split(/\r?\n\r?\n/)[0]); // the rest is a README
    }
    this.compile();
  }

  drop(name) {
    fs.rmSync(path.join(this.target, name), { recursive: true, force: true });
  }

  include(file) {
    const from = path.join(ROOT, file);
    if (!fs.existsSync(from)) {
      if (IF_THERE.includes(file)) return;
      throw new this.serverless.classes.Error(`${file} is to be deployed and is not here`);
    }
    const to = path.join(this.target, file);
    fs.mkdirSync(path.dirname(to), { recursive: true });
    fs.copyFileSync(from, to);
  }

  // Lambda cannot write the compiled files, and the zip's dates would make such files of the usual kind useless.
  compile() {
    const python = ['python', `python${RUNTIME}`].find((name) => this.version(name) === RUNTIME);
    if (!python) {
      this.serverless.cli.log(`There is no Python ${RUNTIME} here: nothing is compiled ahead, and cold starts take about half a second longer.`);
      return;
    }
    const args = ['-m', 'compileall', '-q', '--invalidation-mode', 'unchecked-hash', '-s', this.target, '-p', '/var/task', this.target];
    if (spawnSync(python, args, { stdio: 'inherit' }).status) throw new this.serverless.classes.Error('compiling ahead failed');
    this.keepCompiledModules();
  }

  // The plugin before leaves out the uppermost __pycache__: what is a library of one file goes without its source instead.
  keepCompiledModules() {
    const compiled = path.join(this.target, '__pycache__');
    for (const name of fs.readdirSync(compiled)) {
      const [module] = name.split('.');
      fs.renameSync(path.join(compiled, name), path.join(this.target, `${module}.pyc`));
      this.drop(`${module}.py`);
    }
  }

  version(python) {
    const asked = spawnSync(python, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], { encoding: 'utf8' });
    return asked.status === 0 ? asked.stdout.trim() : null;
  }
};
