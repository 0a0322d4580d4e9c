import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Agent } from './agent.ts';

export const opencode: Agent = {
  name: 'opencode',
  package: 'opencode-ai',
  version: '1.18.33',
  program: 'opencode',
  hasInstallScript: true,
  dialect: 'openai-chat',
  transports: ['http'],
  models: ['gpt-5.1', 'some-model'],
  prepare: ({ home, url, key, model }) => {
    const config = {
      $schema: 'https://opencode.ai/config.json',
      autoupdate: false,
      share: 'disabled',
      permission: 'allow',
      provider: { keyward: { npm: '@ai-sdk/openai-compatible', name: 'Keyward', options: { baseURL: `${url}/v1`, apiKey: key }, models: { [model]: { name: model } } } },
    };
    mkdirSync(join(home, '.config', 'opencode'), { recursive: true });
    writeFileSync(join(home, '.config', 'opencode', 'opencode.json'), JSON.stringify(config, undefined, 2));
  },
  launch: (place) => ({
    args: ['run', '--model', `keyward/${place.model}`, place.prompt],
    env: { OPENCODE_DISABLE_MODELS_FETCH: '1', OPENCODE_DISABLE_AUTOUPDATE: '1' },
  }),
  writing: (path, text) => [
    { tool: 'write', arguments: { filePath: path, content: `${text}\n` } },
    { tool: 'bash', arguments: { command: `printf '%s\\n' '${text}' > ${basename(path)}`, description: 'Writes the file' } },
  ],
  further: [{ tool: 'todowrite', arguments: { todos: [{ content: 'Look at the file', status: 'completed', priority: 'low' }] }, proof: 'Look at the file' }],
  oneByOne: [],
  reading: (path) => [
    { tool: 'bash', arguments: { command: `cat ${basename(path)}`, description: 'Reads the file back' } },
    { tool: 'read', arguments: { filePath: path } },
  ],
};
