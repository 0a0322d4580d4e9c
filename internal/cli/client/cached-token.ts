import { systemClock } from '../../clock/clock.ts';
import type { Result } from '../../fault/result.ts';
import type { CliProcess } from '../process-env.ts';
import { decodeBearer, isFresh } from './bearer.ts';
import { pickContext, readContexts } from './contexts.ts';
import { clientPlaces, entryPath, type EntryKind } from './places.ts';
import { parseObject, readPrivateText } from './private-file.ts';

type CachedTokenProcess = Pick<CliProcess, 'argv' | 'env' | 'home' | 'uid' | 'stdout'>;

/**
 * `keyward token` where nothing needs doing: prints the credential and resolves to true. False leaves all else, refusals
 * included, to the command itself. Credential helpers run before every start of a tool, so this reads two small files and
 * loads none of the command line.
 */
export async function printCachedToken(cli: CachedTokenProcess): Promise<boolean> {
  const flag = readArguments(cli.argv.slice(1));
  if (flag === undefined) return false;
  const token = environmentToken(cli) ?? (await findCached(cli, flag.context));
  if (token === undefined) return false;
  cli.stdout.write(`${token}\n`);
  return true;
}

/** KEYWARD_API_TOKEN goes over everything else; undefined where it is not set. */
export function environmentToken({ env }: Pick<CliProcess, 'env'>): string | undefined {
  const token = env['KEYWARD_API_TOKEN']?.trim() ?? '';
  return token === '' ? undefined : token;
}

function readArguments(args: readonly string[]): { readonly context: string | undefined } | undefined {
  const [first, second, ...rest] = args;
  if (first === undefined) return { context: undefined };
  if (first === '--context' && second !== undefined && rest.length === 0) return { context: second };
  return first.startsWith('--context=') && second === undefined ? { context: first.slice('--context='.length) } : undefined;
}

async function findCached(cli: CachedTokenProcess, flag: string | undefined): Promise<string | undefined> {
  const contexts = readContexts(cli);
  const picked = contexts.ok ? pickContext(contexts.value, flag) : contexts;
  if (!picked.ok || picked.value === undefined || picked.value.credential === 'none') return undefined;
  const { name, credential, store } = picked.value;
  const kind = credential === 'key' ? 'key' : 'bearer';
  const text = store === 'file' ? readPrivateText(entryPath(clientPlaces(cli), name, kind), cli.uid) : await readSealed(cli, name, kind);
  if (!text.ok || text.value === undefined) return undefined;
  if (kind === 'key') return decodeKey(text.value);
  const bearer = decodeBearer(text.value);
  return bearer !== undefined && isFresh(bearer, systemClock.nowMs()) ? bearer.token : undefined;
}

/** The keychain's part is loaded for contexts that are kept there alone. */
async function readSealed(cli: CachedTokenProcess, name: string, kind: EntryKind): Promise<Result<string | undefined, unknown>> {
  const vault = await (await import('./vault.ts')).openVault(cli, 'keychain');
  return vault.ok ? vault.value.read(name, kind) : vault;
}

/** A client key as `keyward config init` keeps it. */
export function decodeKey(text: string): string | undefined {
  const key = parseObject(text)?.['key'];
  return typeof key === 'string' && key !== '' ? key : undefined;
}
