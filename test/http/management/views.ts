import type { LoadedConfig } from '../../../internal/config/loaded.ts';
import { ok } from '../../../internal/fault/result.ts';
import type { ConfigViews } from '../../../internal/management/ports.ts';
import { parsePlain } from '../../../internal/management/plain-config.ts';
import { maskItem } from '../../../internal/management/restore-secrets.ts';
import { maskUserinfo } from '../../../internal/management/secret-slots.ts';
import { isList, isObject, type JsonObject } from '../../../internal/management/values.ts';
import { wholeMask } from '../../../internal/secret/secret.ts';
import { plainOf } from './config-in-memory.ts';

function withoutManagementSecret(plain: JsonObject): JsonObject {
  const remote = plain['remote-management'];
  return isObject(remote) && 'secret-key' in remote ? { ...plain, 'remote-management': { ...remote, 'secret-key': wholeMask } } : plain;
}

function masked(loaded: LoadedConfig): JsonObject {
  const shown = Object.entries(withoutManagementSecret(plainOf(loaded))).map(([name, value]) => [name, name.includes('api-key') || name === 'openai-compatibility' ? (isList(value) ? value.map((item) => maskItem(item)) : value) : name === 'proxy-url' ? maskUserinfo(String(value)) : value] as const);
  return Object.fromEntries(shown);
}

/** Views over whole documents, enough for what stands on top of them. */
export const testViews: ConfigViews = {
  plain: plainOf,
  parse: parsePlain,
  masked,
  revealed: (loaded) => withoutManagementSecret(plainOf(loaded)),
  maskedText: (loaded) => `# masked\n${JSON.stringify(masked(loaded))}\n`,
  revealedText: (loaded) => JSON.stringify(withoutManagementSecret(plainOf(loaded))),
  restoreText: (text) => {
    const plain = parsePlain(text);
    return plain.ok ? ok(text) : plain;
  },
};
