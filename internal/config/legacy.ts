import type { SettingsReader } from './read-settings.ts';
import { isMembers, type Members } from './members.ts';
import type { SettingShape } from './shape.ts';
import type { YamlMember, YamlTree } from './yaml-tree.ts';

export interface LiftedKeys {
  readonly plain: Members;
  readonly keys: readonly unknown[];
  /** True when some list of client keys stands in the file with items, usable or not. */
  readonly hadItems: boolean;
}

/** Spellings of the Go program's older files, moved to where today's stand. The legacy lists are empty afterwards. */
export function liftLegacyKeys(members: readonly YamlMember[], plain: Members, shape: SettingShape, reader: SettingsReader): LiftedKeys {
  const lifted = liftCompatKeys(liftGeminiKeys(plain, reader), reader);
  const written = memberOf(members, 'api-keys');
  const keys = Array.isArray(plain['api-keys']) ? [...plain['api-keys']] : [];
  const itemShape = shape.members.get('api-keys')?.item;
  const lists = findProviderLists(members, reader);
  for (const list of lists) if (itemShape !== undefined) reader.appendKeys(list, itemShape, ['api-keys'], keys);
  const hadItems = [written, ...lists].some((list) => list?.kind === 'list' && list.items.length > 0);
  // A value of another form is left for the settings table to refuse.
  const isList = plain['api-keys'] === undefined || Array.isArray(plain['api-keys']);
  return { plain: isList && (keys.length > 0 || plain['api-keys'] !== undefined) ? { ...lifted, 'api-keys': keys } : lifted, keys, hadItems: hadItems && isList };
}

/** `auth.providers[]` with `type: config-api-key` (or none) holds client keys; other types have no counterpart. */
function findProviderLists(members: readonly YamlMember[], reader: SettingsReader): readonly YamlTree[] {
  const auth = members.find((member) => member.name === 'auth');
  if (auth === undefined || auth.value.kind === 'null') return [];
  const providers = memberOf(childMembers(auth.value), 'providers');
  if (providers === undefined || providers.kind !== 'list') {
    reader.report('error', 'auth', 'is understood only as `auth.providers`; write client keys under `api-keys`', auth.nameOffset);
    return [];
  }
  return providers.items.flatMap((provider, index) => {
    const type = memberOf(childMembers(provider), 'type');
    const keys = memberOf(childMembers(provider), 'api-keys');
    if (type?.kind === 'scalar' && type.value !== 'config-api-key' && type.value !== 'config') {
      reader.report('error', `auth.providers.${index}.type`, 'is not served; only `config-api-key` is', type.offset);
      return [];
    }
    return keys === undefined ? [] : [keys];
  });
}

function liftGeminiKeys(plain: Members, reader: SettingsReader): Members {
  const legacy = listOf(plain['generative-language-api-key']);
  if (legacy.length === 0 || !isListOrAbsent(plain['gemini-api-key'])) return plain;
  const entries = [...listOf(plain['gemini-api-key'])];
  const known = new Set(entries.map((entry) => (isMembers(entry) ? entry['api-key'] : undefined)));
  for (const [index, key] of legacy.entries()) {
    if (known.has(key)) continue;
    moveOrigin(reader, `generative-language-api-key.${index}`, `gemini-api-key.${entries.length}.api-key`);
    entries.push({ 'api-key': key });
  }
  return { ...plain, 'gemini-api-key': entries, 'generative-language-api-key': [] };
}

function liftCompatKeys(plain: Members, reader: SettingsReader): Members {
  if (!Array.isArray(plain['openai-compatibility'])) return plain;
  const lifted = listOf(plain['openai-compatibility']).map((entry, entryIndex) => {
    const legacy = isMembers(entry) ? listOf(entry['api-keys']) : [];
    if (!isMembers(entry) || legacy.length === 0 || !isListOrAbsent(entry['api-key-entries'])) return entry;
    const keyEntries = [...listOf(entry['api-key-entries'])];
    for (const [index, key] of legacy.entries()) {
      const path = `openai-compatibility.${entryIndex}`;
      moveOrigin(reader, `${path}.api-keys.${index}`, `${path}.api-key-entries.${keyEntries.length}.api-key`);
      keyEntries.push({ 'api-key': key });
    }
    return { ...entry, 'api-key-entries': keyEntries, 'api-keys': [] };
  });
  return { ...plain, 'openai-compatibility': lifted };
}

function moveOrigin(reader: SettingsReader, from: string, to: string): void {
  const origin = reader.origins.get(from);
  reader.origins.delete(from);
  if (origin !== undefined) reader.origins.set(to, origin);
}

function memberOf(members: readonly YamlMember[], name: string): YamlTree | undefined {
  return members.find((member) => member.name === name)?.value;
}

function childMembers(tree: YamlTree): readonly YamlMember[] {
  return tree.kind === 'map' ? tree.members : [];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isListOrAbsent(value: unknown): boolean {
  return value === undefined || Array.isArray(value);
}
