import type { SettingShape } from './shape.ts';

/** Members whose misspelling would silently open a door or send a secret elsewhere, at the top of the file. */
const securityKeys = [
  'api-keys', 'client-auth', 'insecure-open-access', 'insecure-open-websocket', 'insecure-plaintext-management', 'allowed-hosts', 'allowed-origins',
  'trusted-proxies', 'ws-auth', 'remote-management', 'metrics-open', 'auth-dir', 'auth-dir-encryption', 'data-dir', 'tls', 'host', 'public-url', 'identity', 'proxy-url',
] as const;

/** Of `remote-management`, where they are distinct enough to be recognised anywhere. */
const strayManagementKeys = ['secret-key', 'allow-remote'] as const;

/** Members of entries that decide where a key goes or whether it is used; only other spellings of them count. */
const entryKeys = [
  'api-key', 'api-key-entries', 'base-url', 'proxy-url', 'insecure-http', 'disabled', 'excluded-models', 'headers',
  'client-id', 'client-secret', 'client-auth', 'issuer', 'grant', 'scopes', 'authorize-url', 'token-url', 'device-authorization-url', 'revocation-url', 'userinfo-url', 'redirect-port', 'token-request', 'rotates-refresh-tokens',
] as const;

const securitySections: ReadonlySet<string> = new Set(['remote-management', 'tls']);

/**
 * The security setting that an unknown key seems to mean: same letters in another case or with other dashes, or a typo
 * of it. Undefined when the key is merely unknown.
 */
export function findSecurityMiss(path: readonly string[], known: readonly string[]): string | undefined {
  const name = path.at(-1) ?? '';
  const section = path[0] ?? '';
  if (path.length === 1) return findTopLevelMiss(name);
  if (securitySections.has(section)) return known.find((candidate) => isClose(name, candidate)) ?? known.find((candidate) => squash(candidate) === squash(name));
  return entryKeys.find((candidate) => known.includes(candidate) && squash(candidate) === squash(name));
}

function findTopLevelMiss(name: string): string | undefined {
  const stray = strayManagementKeys.find((candidate) => squash(name) === squash(candidate) || squash(name) === squash(`remote-management.${candidate}`));
  if (stray !== undefined) return `remote-management.${stray}`;
  return securityKeys.find((candidate) => squash(candidate) === squash(name)) ?? securityKeys.find((candidate) => isClose(name, candidate));
}

/** The member that an unknown key most likely means, for a hint. */
export function suggestKey(name: string, shape: SettingShape): string | undefined {
  const ranked = [...shape.members.keys()].map((known) => ({ known, distance: editDistance(squash(name), squash(known)) })).sort((left, right) => left.distance - right.distance);
  const [best] = ranked;
  return best !== undefined && best.distance <= allowedDistance(best.known) ? best.known : undefined;
}

/** The one of `names` that a free name seems to be a typo of. */
export function nearestName(name: string, names: Iterable<string>): string | undefined {
  return [...names].find((known) => isClose(name, known));
}

function isClose(name: string, candidate: string): boolean {
  return editDistance(squash(name), squash(candidate)) <= allowedDistance(candidate);
}

function allowedDistance(known: string): number {
  const length = squash(known).length;
  return length < 5 ? 0 : Math.max(1, Math.floor(length / 4));
}

function squash(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** Levenshtein's distance, swapped neighbours counting once. */
function editDistance(left: string, right: string): number {
  const rows: number[][] = [Array.from({ length: right.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1];
      let best = Math.min(at(rows, row - 1, column) + 1, (current[column - 1] ?? 0) + 1, at(rows, row - 1, column - 1) + (same ? 0 : 1));
      if (row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]) best = Math.min(best, at(rows, row - 2, column - 2) + 1);
      current.push(best);
    }
    rows.push(current);
  }
  return at(rows, left.length, right.length);
}

function at(rows: readonly (readonly number[])[], row: number, column: number): number {
  return rows[row]?.[column] ?? 0;
}
