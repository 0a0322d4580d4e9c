import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { err, ok, type Result } from '../fault/result.ts';
import { checkOwnedFile, type OwnershipFault } from '../files/owned.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Would choose the config itself, or hand over the credential of another Keyward. */
const neverSet: ReadonlySet<string> = new Set(['KEYWARD_CONFIG', 'KEYWARD_API_TOKEN']);
const neverSetPattern = /(?:^|_)PROXY$|^NODE_/i;
const maxBytes = 262_144;

/** Names that a config text takes secrets from; a text that is no config names none. */
export function findReferencedVariables(configText: string): ReadonlySet<string> {
  return new Set([...configText.matchAll(/\benv:([A-Za-z_]\w*)/g)].map((match) => match[1] ?? ''));
}

/** True for names that a `.env` file may set: ours, and those that the config refers to (security rule 23). */
function mayDotenvSet(name: string, referenced: ReadonlySet<string>): boolean {
  if (neverSet.has(name.toUpperCase()) || neverSetPattern.test(name)) return false;
  return name === 'MANAGEMENT_PASSWORD' || name.startsWith('KEYWARD_') || referenced.has(name);
}

/**
 * The environment with the listed names of a `.env` file below it: what the process already has wins. An absent file
 * changes nothing. For `serve` alone; other commands run inside cloned repositories. The error is a sentence for a
 * person: the file is not ours, or others can write it.
 */
export function addDotenv(path: string, env: Env, referenced: ReadonlySet<string>, uid: number | undefined): Result<Env, string> {
  const owned = checkOwnedFile(path, uid);
  if (!owned.ok) return owned.error === 'missing' ? ok(env) : err(`${path} ${objections[owned.error]} and is not read; move it away, or mend that.`);
  if (owned.value.size > maxBytes) return err(`${path} is larger than 256 kB and is not read.`);
  let variables: ReturnType<typeof parseEnv>;
  try {
    variables = parseEnv(readFileSync(path, 'utf8'));
  } catch {
    return err(`${path} cannot be read; check its owner and mode.`);
  }
  const added = Object.entries(variables).filter(([name]) => mayDotenvSet(name, referenced) && (env[name] ?? '') === '');
  return ok({ ...env, ...Object.fromEntries(added) });
}

const objections: Readonly<Record<Exclude<OwnershipFault, 'missing'>, string>> = {
  link: 'is a link',
  not_regular: 'is no regular file',
  not_directory: 'is no regular file',
  foreign_owner: 'belongs to another user',
  writable_by_others: 'can be written by others',
};
