import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { err, ok, type Result } from '../fault/result.ts';
import { randomToken } from '../secret/digest.ts';
import { generateClientKey } from './commands/keys-generate.ts';
import type { CliProcess } from './process-env.ts';

export interface InitialConfig {
  readonly path: string;
  readonly clientKey: string;
  readonly managementKey: string;
}

/**
 * Writes a first config: mode 0600, in a folder made 0700, never over a file (or link) that is there. The error is a
 * sentence for a person.
 */
export function createInitialConfig(path: string): Result<InitialConfig, string> {
  const initial = { path, clientKey: generateClientKey(), managementKey: randomToken(32) };
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const file = openSync(path, 'wx', 0o600);
    try {
      writeSync(file, initialText(initial));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (thrown) {
    return err(describeWriteFailure(path, thrown));
  }
  return ok(initial);
}

function describeWriteFailure(path: string, thrown: unknown): string {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown error';
  return code === 'EEXIST' ? `${path} exists and is left as it is; \`keyward config check\` looks into it.` : `${path} cannot be written (${code}); check the folder, or choose another place with --config.`;
}

function initialText(initial: InitialConfig): string {
  return `# Keyward. Every setting is explained in docs/configuration.md; \`keyward config check\` validates this file.
# A running daemon takes up edits within two seconds.

# Keys that programs present to Keyward. \`keyward keys generate\` makes more.
api-keys:
  - "${initial.clientKey}"

# Secret of the management API below /v0/management, which answers this machine only.
remote-management:
  secret-key: "${initial.managementKey}"

# Upstreams: take the comment signs off what you have. A key may also stand as env:NAME or file:/path.
# claude-api-key:
#   - api-key: "env:ANTHROPIC_API_KEY"
# codex-api-key:
#   - api-key: "env:OPENAI_API_KEY"
# gemini-api-key:
#   - api-key: "env:GEMINI_API_KEY"
# openai-compatibility:
#   - name: "openrouter"
#     prefix: "or"
#     base-url: "https://openrouter.ai/api/v1"
#     api-key-entries:
#       - api-key: "env:OPENROUTER_API_KEY"
`;
}

/** Shows the keys on a terminal; anywhere else, logs included, only where they stand (security rule 7). */
export function announceInitialConfig(cli: CliProcess, initial: InitialConfig, url: string): void {
  if (!cli.stdoutIsTerminal) {
    cli.stdout.write(`Wrote ${initial.path} (mode 0600) with a fresh client key and management key; they stand in that file.\n`);
    return;
  }
  cli.stdout.write(`Wrote ${initial.path}

  client key      ${initial.clientKey}
  management key  ${initial.managementKey}

Both stand in that file and are not shown again. Add an upstream there, then try:

  curl ${url}/v1/models -H 'Authorization: Bearer ${initial.clientKey}'

`);
}
