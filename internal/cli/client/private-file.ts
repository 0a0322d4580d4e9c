import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { errorCode } from '../../files/synced-file.ts';
import { err, ok, type Result } from '../../fault/result.ts';

/**
 * The text of a file that only its owner, this user, can read; undefined where there is none. `uid` undefined (Windows)
 * skips the checks of owner and mode. The error is a sentence for a person.
 */
export function readPrivateText(path: string, uid: number | undefined): Result<string | undefined, string> {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (thrown) {
    const code = errorCode(thrown);
    if (code === 'ENOENT') return ok(undefined);
    return err(code === 'ELOOP' ? `${path} is a link and is not read; put the file itself there.` : `${path} cannot be read (${code}).`);
  }
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) return err(`${path} is no file; remove it.`);
    if (uid !== undefined && stats.uid !== uid) return err(`${path} belongs to another user and is not read; remove it and log in again.`);
    if (uid !== undefined && (stats.mode & 0o077) !== 0) return err(`${path} can be read by others; run \`chmod 600 ${path}\`, and log in again if this machine has other users.`);
    return ok(readFileSync(file, 'utf8'));
  } catch (thrown) {
    return err(`${path} cannot be read (${errorCode(thrown)}).`);
  } finally {
    closeSync(file);
  }
}

/** Undefined for anything but a JSON object. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
