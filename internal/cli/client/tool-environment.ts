import { basename } from 'node:path';

/** Where a tool is to go, and by what. */
export interface ToolAccess {
  /** Without trailing slash. */
  readonly server: string;
  readonly key: string;
}

/** Variables that send a tool elsewhere, past the base URLs below. */
const diverting = ['CLAUDE_CODE_USE_BEDROCK', 'CLAUDE_CODE_USE_VERTEX', 'CLAUDE_CODE_USE_FOUNDRY', 'CLAUDE_CODE_OAUTH_TOKEN', 'GOOGLE_GENAI_USE_VERTEXAI', 'GOOGLE_GENAI_USE_GCA', 'OPENAI_ORG_ID', 'OPENAI_ORGANIZATION', 'OPENAI_PROJECT', 'OPENAI_PROJECT_ID'] as const;

/**
 * The environment of a tool that talks to Keyward: what this process has, with base URLs and key in every spelling that
 * the vendors' programs read (docs/clients).
 */
export function toolEnvironment(env: Readonly<Record<string, string | undefined>>, { server, key }: ToolAccess, command: string): Record<string, string> {
  const variables = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) if (value !== undefined) variables.set(name, value);
  for (const name of diverting) variables.delete(name);
  const openai = `${server}/v1`;
  for (const [name, value] of Object.entries({
    OPENAI_BASE_URL: openai,
    // Older programs, aider among them.
    OPENAI_API_BASE: openai,
    OPENAI_API_KEY: key,
    CODEX_API_KEY: key,
    ANTHROPIC_BASE_URL: server,
    ANTHROPIC_AUTH_TOKEN: key,
    ANTHROPIC_API_KEY: key,
    GOOGLE_GEMINI_BASE_URL: server,
    GEMINI_API_KEY: key,
    GOOGLE_API_KEY: key,
    // So that `keyward token` inside, as a helper of the tool, gives the same key.
    KEYWARD_API_TOKEN: key,
  })) variables.set(name, value);
  // Claude Code takes both for a conflict, and asks about every new ANTHROPIC_API_KEY. https://github.com/musistudio/claude-code-router/issues/214
  if (isProgram('claude', command)) variables.delete('ANTHROPIC_API_KEY');
  return Object.fromEntries(variables);
}

/** Codex reads no variable for its base URL, and would take the key to the vendor. */
export function toolArguments({ server }: Pick<ToolAccess, 'server'>, command: string, args: readonly string[]): readonly string[] {
  return isProgram('codex', command) ? ['-c', `openai_base_url="${server}/v1"`, ...args] : args;
}

function isProgram(name: string, command: string): boolean {
  return basename(command).toLowerCase().replace(/\.(?:exe|cmd)$/, '') === name;
}
