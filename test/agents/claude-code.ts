import { basename } from 'node:path';
import type { Agent } from './agent.ts';

export const claudeCode: Agent = {
  name: 'Claude Code',
  package: '@anthropic-ai/claude-code',
  version: '2.1.330',
  program: 'claude',
  hasInstallScript: true,
  dialect: 'anthropic-messages',
  transports: ['http'],
  models: ['claude-sonnet-4-5', 'claude-opus-5-5'],
  prepare: () => undefined,
  launch: (place) => ({
    args: ['-p', place.prompt, '--model', place.model, '--permission-mode', 'acceptEdits', '--allowedTools', 'Write,Read,Bash'],
    env: {
      ANTHROPIC_BASE_URL: place.url,
      ANTHROPIC_AUTH_TOKEN: place.key,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
    },
  }),
  writing: (path, text) => [
    { tool: 'Write', arguments: { file_path: path, content: `${text}\n` } },
    { tool: 'Bash', arguments: { command: `printf '%s\\n' '${text}' > ${basename(path)}`, description: 'Write the file' } },
  ],
  further: [{ tool: 'ToolSearch', arguments: { query: 'select:WebFetch', max_results: 3 }, proof: 'WebFetch' }],
  oneByOne: [],
  reading: (path) => [
    { tool: 'Bash', arguments: { command: `cat ${basename(path)}`, description: 'Read the file back' } },
    { tool: 'Read', arguments: { file_path: path } },
  ],
};
