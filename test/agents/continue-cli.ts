import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Agent } from './agent.ts';

export const continueCli: Agent = {
  name: 'Continue CLI',
  package: '@continuedev/cli',
  version: '1.5.47',
  program: 'cn',
  hasInstallScript: false,
  dialect: 'openai-chat',
  transports: ['http'],
  models: ['some-model'],
  prepare: ({ home, url, key, model }) => {
    const config = { name: 'Keyward', version: '1.0.0', schema: 'v1', models: [{ name: model, provider: 'openai', model, apiBase: `${url}/v1`, apiKey: key, roles: ['chat'] }] };
    mkdirSync(join(home, '.continue'), { recursive: true });
    writeFileSync(join(home, '.continue', 'config.yaml'), JSON.stringify(config));
  },
  launch: (place) => ({
    args: ['--config', join(place.home, '.continue', 'config.yaml'), '--auto', '--print', place.prompt],
    env: { CONTINUE_TELEMETRY_ENABLED: '0' },
  }),
  writing: (path, text) => [{ tool: 'Write', arguments: { filepath: path, content: `${text}\n` } }],
  further: [{ tool: 'List', arguments: { dirpath: '.' }, proof: 'hello.txt' }],
  oneByOne: [],
  reading: (path) => [
    { tool: 'Bash', arguments: { command: `cat ${basename(path)}` } },
    { tool: 'Read', arguments: { filepath: path } },
  ],
};
