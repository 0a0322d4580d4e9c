import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Agent } from './agent.ts';

const settings = { security: { auth: { selectedType: 'gemini-api-key' } }, privacy: { usageStatisticsEnabled: false }, general: { disableAutoUpdate: true, enableAutoUpdate: false } };

export const geminiCli: Agent = {
  name: 'Gemini CLI',
  package: '@google/gemini-cli',
  version: '0.61.0',
  program: 'gemini',
  hasInstallScript: false,
  dialect: 'gemini',
  transports: ['http'],
  models: ['gemini-2.5-pro', 'gemini-3.1-pro-preview'],
  prepare: ({ home }) => {
    mkdirSync(join(home, '.gemini'), { recursive: true });
    writeFileSync(join(home, '.gemini', 'settings.json'), JSON.stringify(settings));
  },
  launch: (place) => ({
    args: ['--model', place.model, '--approval-mode', 'yolo', '--prompt', place.prompt],
    env: { GOOGLE_GEMINI_BASE_URL: place.url, GEMINI_API_KEY: place.key, GEMINI_CLI_TRUST_WORKSPACE: 'true' },
  }),
  writing: (path, text) => [{ tool: 'write_file', arguments: { file_path: path, content: `${text}\n` } }],
  further: [{ tool: 'list_directory', arguments: { dir_path: '.' }, proof: 'hello.txt' }],
  oneByOne: [],
  reading: (path) => [
    { tool: 'read_file', arguments: { file_path: path } },
    { tool: 'run_shell_command', arguments: { command: `cat '${path}'`, description: 'Read the file back' } },
  ],
};
