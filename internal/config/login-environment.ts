import type { SecretOrigin } from './loaded.ts';
import { loginPresets, presetOf } from './login-presets.ts';
import { isMembers, type Members } from './members.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** `KEYWARD_OAUTH_GEMINI_CLI` for `gemini-cli`: what stands before `_CLIENT_ID` and `_CLIENT_SECRET`. */
export function loginVariable(name: string): string {
  return `KEYWARD_OAUTH_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`;
}

/**
 * Client ids and secrets of logins out of the environment, for all presets and for the logins of the file. What the file
 * says wins; a preset under another of its names is found by any of them.
 */
export function addLoginVariables(plain: Members, env: Env, origins: Map<string, SecretOrigin>): Members {
  const written = plain['oauth'] ?? {};
  // A value of another form is left for the settings table to refuse.
  if (!isMembers(written)) return plain;
  const entries = new Map(Object.entries(written));
  const mentioned = new Set([...entries.keys()].map((name) => presetOf(name)?.name));
  for (const name of loginPresets.keys()) if (!mentioned.has(name) && findVariable(name, 'CLIENT_ID', env) !== undefined) entries.set(name, {});
  if (entries.size === 0) return plain;
  return { ...plain, oauth: Object.fromEntries([...entries].map(([name, entry]) => [name, isMembers(entry) ? fillEntry(name, entry, env, origins) : entry])) };
}

function fillEntry(name: string, entry: Members, env: Env, origins: Map<string, SecretOrigin>): Members {
  const id = isBlank(entry['client-id']) ? findVariable(name, 'CLIENT_ID', env) : undefined;
  const secret = isBlank(entry['client-secret']) ? findVariable(name, 'CLIENT_SECRET', env) : undefined;
  if (secret !== undefined) origins.set(`oauth.${name}.client-secret`, { kind: 'env', name: secret.variable });
  return { ...entry, ...(id === undefined ? {} : { 'client-id': id.value }), ...(secret === undefined ? {} : { 'client-secret': secret.value }) };
}

function findVariable(name: string, what: 'CLIENT_ID' | 'CLIENT_SECRET', env: Env): { readonly variable: string; readonly value: string } | undefined {
  const known = presetOf(name);
  for (const spelling of known === undefined ? [name] : [name, known.name, ...known.preset.aliases]) {
    const variable = `${loginVariable(spelling)}_${what}`;
    const value = env[variable]?.trim() ?? '';
    if (value !== '') return { variable, value };
  }
  return undefined;
}

function isBlank(value: unknown): boolean {
  return value === undefined || value === '';
}
