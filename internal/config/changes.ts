import { isDeepStrictEqual } from 'node:util';
import { Secret } from '../secret/secret.ts';
import type { Config } from './schema.ts';
import { isMembers } from './members.ts';
import { describeSettings, type SettingShape } from './shape.ts';

export interface SettingChanges {
  /** Dotted paths, sorted: `port`, `tls.cert`; lists and maps are one setting. */
  readonly changed: readonly string[];
  readonly restartRequired: readonly string[];
}

/** Which settings differ between two decoded configs, and which of them wait for a restart. */
export function compareConfigs(before: Config, after: Config): SettingChanges {
  const changed: string[] = [];
  const restartRequired: string[] = [];
  const note = (path: string, shape: SettingShape): void => {
    changed.push(path);
    if (shape.reload === 'restart') restartRequired.push(path);
  };
  const left = new Map<string, unknown>(Object.entries(before));
  const right = new Map<string, unknown>(Object.entries(after));
  for (const [name, shape] of describeSettings().members) {
    const old = left.get(name);
    const now = right.get(name);
    if (shape.type === 'section' && isMembers(old) && isMembers(now)) {
      for (const member of new Set([...Object.keys(old), ...Object.keys(now)])) {
        if (!isSame(old[member], now[member])) note(`${name}.${member}`, shape.members.get(member) ?? shape);
      }
    } else if (!isSame(old, now)) note(name, shape);
  }
  return { changed: changed.sort(), restartRequired: restartRequired.sort() };
}

function isSame(left: unknown, right: unknown): boolean {
  return isDeepStrictEqual(revealed(left), revealed(right));
}

/** Two secrets look alike to a comparison of objects. */
function revealed(value: unknown): unknown {
  if (value instanceof Secret) return value.reveal();
  if (Array.isArray(value)) return value.map(revealed);
  return isMembers(value) ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name, revealed(member)])) : value;
}
