import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Agent, Place } from './agent.ts';

/** Over HTTP by a provider of the user's own, over WebSocket by the built-in one with another address. */
export const codex: Agent = {
  name: 'Codex',
  package: '@openai/codex',
  version: '0.169.0',
  program: 'codex',
  hasInstallScript: false,
  dialect: 'openai-responses',
  transports: ['http', 'websocket'],
  // A name it does not know, one with custom tools and a search of its own, one with its tools in the input and code for calls.
  models: ['some-model', 'gpt-5.5', 'gpt-6.1-sol'],
  prepare: (place) => {
    mkdirSync(join(place.home, '.codex'), { recursive: true });
    writeFileSync(join(place.home, '.codex', 'config.toml'), place.transport === 'http' ? providerConfig(place) : builtInConfig(place));
  },
  launch: (place) => ({
    args: ['exec', '--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox', '--color', 'never', '--model', place.model, place.prompt],
    env: place.transport === 'http' ? { KEYWARD_KEY: place.key } : { CODEX_API_KEY: place.key },
  }),
  writing: (path, text) => [
    { tool: 'exec', arguments: { input: `text(await tools.exec_command({ cmd: ${JSON.stringify(writeCommand(path, text))} }));` } },
    { tool: 'apply_patch', arguments: { input: `*** Begin Patch\n*** Add File: ${basename(path)}\n+${text}\n*** End Patch` } },
    { tool: 'exec_command', arguments: { cmd: writeCommand(path, text) } },
  ],
  further: [
    { tool: 'clock__sleep', arguments: { duration_ms: 5 }, proof: 'Sleep completed' },
    { tool: 'multi_agent_v1__wait_agent', arguments: { targets: ['nobody'] }, proof: 'invalid agent id' },
    { tool: 'tool_search', arguments: { query: 'spawn agent', limit: 3 }, proof: 'spawn_agent' },
  ],
  oneByOne: ['exec'],
  reading: (path) => [
    { tool: 'exec', arguments: { input: `text(await tools.exec_command({ cmd: 'cat ${basename(path)}' }));` } },
    { tool: 'exec_command', arguments: { cmd: `cat ${basename(path)}` } },
  ],
};

function writeCommand(path: string, text: string): string {
  return `printf '%s\\n' '${text}' > ${basename(path)}`;
}

function providerConfig({ url }: Place): string {
  return `model_provider = "keyward"

[model_providers.keyward]
name = "Keyward"
base_url = "${url}/v1"
env_key = "KEYWARD_KEY"
wire_api = "responses"
`;
}

function builtInConfig({ url }: Place): string {
  return `openai_base_url = "${url}/v1"\n`;
}
