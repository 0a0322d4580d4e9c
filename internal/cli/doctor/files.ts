import { accessSync, constants, existsSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Finding } from './report.ts';

export interface FilePlaces {
  readonly configPath: string;
  readonly dataDir: string;
  readonly authDir: string;
  /** Undefined where files have no owner. */
  readonly uid: number | undefined;
}

/** Modes and owners of what Keyward keeps (contract §13): files 0600, directories 0700, all this user's. */
export function checkFiles(places: FilePlaces): readonly Finding[] {
  return [
    ...checkMode(places.configPath, 'config', 0o077, '600', places.uid),
    ...checkDirectory(places.dataDir, 'data-dir', places.uid),
    ...checkDirectory(places.authDir, 'auth-dir', places.uid),
    ...['audit.key', 'auth-dir.key', 'identity.key'].flatMap((name) => checkMode(join(places.dataDir, name), name.replace('.', '-'), 0o077, '600', places.uid)),
    // Locks, and what is remembered of logins beside their files.
    ...checkMode(join(places.authDir, '.keyward'), 'auth-dir-state', 0o077, '700', places.uid),
    ...listAccountFiles(places.authDir).flatMap((file) => checkAccountFile(file, places.uid)),
  ];
}

function checkDirectory(path: string, setting: string, uid: number | undefined): readonly Finding[] {
  if (existsSync(path)) {
    if (!statSync(path).isDirectory()) return [finding('error', `${setting}-not-a-directory`, `${setting} ${path} is not a directory.`, `Move that file away, or change \`${setting}\`.`)];
    const unwritable = canWrite(path) ? [] : [finding('error', `${setting}-not-writable`, `${setting} ${path} cannot be written.`, `Run \`chmod u+rwx ${path}\`, or change \`${setting}\`.`)];
    return [...unwritable, ...checkMode(path, setting, 0o077, '700', uid)];
  }
  const parent = nearestParent(path);
  return canWrite(parent) ? [] : [finding('error', `${setting}-not-writable`, `${setting} ${path} does not exist and cannot be made in ${parent}.`, `Make it, or change \`${setting}\`.`)];
}

function checkMode(path: string, what: string, forbidden: number, mode: string, uid: number | undefined): readonly Finding[] {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined || uid === undefined) return [];
  const found: Finding[] = [];
  if (stats.uid !== uid && stats.uid !== 0) found.push(finding('warning', `${what}-foreign-owner`, `${path} belongs to another user (uid ${stats.uid}).`, 'Take it over with chown, or use a file of your own.'));
  if ((stats.mode & forbidden) !== 0) {
    const actual = (stats.mode & 0o777).toString(8).padStart(3, '0');
    found.push(finding('warning', `${what}-mode`, `${path} is open to others (mode ${actual}).`, `Run \`chmod ${mode} ${path}\`.`));
  }
  return found;
}

function checkAccountFile(path: string, uid: number | undefined): readonly Finding[] {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) return [finding('info', 'account-file-link', `${path} is a link; it is read only if its target is yours, and never written.`, '')];
  return checkMode(path, 'account-file', 0o077, '600', uid);
}

function listAccountFiles(authDir: string): readonly string[] {
  try {
    return readdirSync(authDir).filter((name) => name.endsWith('.json')).map((name) => join(authDir, name));
  } catch {
    return [];
  }
}

function nearestParent(path: string): string {
  const parent = dirname(path);
  return existsSync(parent) || parent === path ? parent : nearestParent(parent);
}

function canWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function finding(level: Finding['level'], code: string, message: string, fix: string): Finding {
  return { level, code, message, fix };
}
