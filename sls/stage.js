// After a deployment: the stage of API Gateway lets in so many requests a second, and keeps a log of all of them.
// Not by CloudFormation: osls has the deployment make the stage, and AWS takes no settings for a stage that is there
// already ("StageDescription cannot be specified when stage referenced by StageName already exists").
const { APIGatewayClient, GetRestApisCommand, UpdateStageCommand } = require('@aws-sdk/client-api-gateway');
const { STAGE, throttle } = require('./env.js');

const FORMAT = JSON.stringify(Object.fromEntries([
  ['at', 'requestTimeEpoch'], ['request', 'requestId'], ['ip', 'identity.sourceIp'], ['agent', 'identity.userAgent'], ['method', 'httpMethod'],
  ['path', 'path'], ['status', 'status'], ['ms', 'responseLatency'], ['error', 'error.message'],
].map(([name, variable]) => [name, `$context.${variable}`])));
const replace = (path, value) => ({ op: 'replace', path, value: String(value) });

module.exports = class {
  constructor(serverless) {
    this.serverless = serverless;
    this.hooks = { 'after:deploy:deploy': () => this.update() };
  }

  async update() {
    const provider = this.serverless.getProvider('aws');
    const client = new APIGatewayClient(await provider.getAwsSdkV3Config());
    const { accountId, partition } = await provider.getAccountInfo();
    const restApiId = await this.find(client);
    const update = (patchOperations) => client.send(new UpdateStageCommand({ restApiId, stageName: STAGE, patchOperations }));
    await update([replace('/*/*/throttling/rateLimit', throttle.rate), replace('/*/*/throttling/burstLimit', throttle.burst)]);
    const group = `arn:${partition}:logs:${provider.getRegion()}:${accountId}:log-group:jpi-${STAGE}-access`;
    try {
      await update([replace('/accessLogSettings/destinationArn', group), replace('/accessLogSettings/format', FORMAT)]);
    } catch (error) {
      if (error.name !== 'BadRequestException') throw error;
      // An account must first allow API Gateway to write logs, once a region: docs/operations.md.
      this.serverless.cli.log(`There is no access log: ${error.message} (docs/operations.md, "The access log")`);
    }
  }

  async find(client, position) {
    const page = await client.send(new GetRestApisCommand({ position, limit: 500 }));
    const api = (page.items || []).find(({ name }) => name === `${STAGE}-jpi`);
    if (!api && !page.position) throw new this.serverless.classes.Error(`API Gateway has no ${STAGE}-jpi`);
    return api ? api.id : this.find(client, page.position);
  }
};
