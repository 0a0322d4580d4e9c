import type { Agent } from './agent.ts';

export const qwenCode: Agent = {
  name: 'Qwen Code',
  package: '@qwen-code/qwen-code',
  version: '0.24.4',
  program: 'qwen',
  hasInstallScript: false,
  dialect: 'openai-chat',
  transports: ['http'],
  models: ['qwen3-coder-plus'],
  prepare: () => undefined,
  launch: (place) => ({
    args: ['--auth-type', 'openai', '--approval-mode', 'yolo', '--prompt', place.prompt],
    env: { OPENAI_BASE_URL: `${place.url}/v1`, OPENAI_API_KEY: place.key, OPENAI_MODEL: place.model },
  }),
  writing: (path, text) => [{ tool: 'write_file', arguments: { file_path: path, content: `${text}\n` } }],
  further: [{ tool: 'glob', arguments: { pattern: '*.txt' }, proof: 'hello.txt' }],
  oneByOne: [],
  reading: (path) => [
    { tool: 'read_file', arguments: { file_path: path } },
    { tool: 'run_shell_command', arguments: { command: `cat '${path}'`, is_background: false } },
  ],
};
