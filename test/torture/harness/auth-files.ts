import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SeededFamily } from '../identity-provider/wire.ts';
import { createHash } from 'node:crypto';
import { memberOf } from './json.ts';

export const emailOf = (identity: string): string => `${identity}@example.test`;
export const fileNameOf = (identity: string): string => `burn-${emailOf(identity)}.json`;
/** The same identity once more, as a person who copied the file would have it. */
export const copyNameOf = (identity: string): string => `burn-${emailOf(identity)}-copy.json`;

export function makeAuthDirectory(folder: string): string {
  const path = join(folder, 'auth');
  mkdirSync(path, { mode: 0o700 });
  return path;
}

/** Writes a login's file as another program would: beside the directory, then renamed into it. Fields as the Go program's. */
export function writeAuthFile(authDir: string, name: string, identity: string, tokens: SeededFamily): void {
  const file = {
    type: 'burn',
    email: emailOf(identity),
    access_token: tokens.accessToken,
    refresh_token: tokens.refreshToken,
    expired: new Date(tokens.expiresAtMs).toISOString(),
    last_refresh: new Date().toISOString(),
    prefix: identity,
    note: `kept by the operator of ${identity}`,
  };
  const beside = join(authDir, '..', `.new-${name}`);
  writeFileSync(beside, JSON.stringify(file, undefined, 2), { mode: 0o600 });
  renameSync(beside, join(authDir, name));
}

/** Every refresh token that the files of an identity hold, as SHA-256 in hex, and whether the operator's note is still there. */
export function readAuthFiles(authDir: string, identity: string): { readonly digests: readonly string[]; readonly isNoteKept: boolean } {
  const files = readdirSync(authDir)
    .filter((name) => name.endsWith('.json'))
    .map((name): unknown => JSON.parse(readFileSync(join(authDir, name), 'utf8')))
    .filter((file) => memberOf(file, 'email') === emailOf(identity));
  return {
    digests: files.map((file) => memberOf(file, 'refresh_token')).flatMap((token) => (typeof token === 'string' ? [createHash('sha256').update(token).digest('hex')] : [])),
    isNoteKept: files.every((file) => memberOf(file, 'note') === `kept by the operator of ${identity}` && memberOf(file, 'prefix') === identity),
  };
}
