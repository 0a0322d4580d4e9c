import { systemClock } from '../../clock/clock.ts';
import type { CliProcess } from '../process-env.ts';
import { decodeBearer, isFresh } from './bearer.ts';
import { pickContext, readContexts } from './contexts.ts';
import { entryPath, clientPlaces } from './places.ts';
import { parseObject, readPrivateText } from './private-file.ts';

/**
 * `keyward token` where nothing needs doing: prints the credential and returns true. False leaves all else, refusals
 * included, to the command itself. Credential helpers run before every start of a tool, so this loads two small files and
 * none of the command line.
 */
export function printCachedToken(cli: CliProcess): boolean {
  const flag = readArguments(cli.argv.slice(1));
  if (flag === undefined) return false;
  const token = environmentToken(cli) ?? findCached(cli, flag.context);
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

function findCached(cli: CliProcess, flag: string | undefined): string | undefined {
  const contexts = readContexts(cli);
  const picked = contexts.ok ? pickContext(contexts.value, flag) : contexts;
  // What a keychain seals is opened by the command itself.
  if (!picked.ok || picked.value === undefined || picked.value.store === 'keychain') return undefined;
  const { name, credential } = picked.value;
  const text = readPrivateText(entryPath(clientPlaces(cli), name, credential === 'key' ? 'key' : 'bearer'), cli.uid);
  if (!text.ok || text.value === undefined) return undefined;
  if (credential === 'key') return decodeKey(text.value);
  const bearer = credential === 'login' ? decodeBearer(text.value) : undefined;
  return bearer !== undefined && isFresh(bearer, systemClock.nowMs()) ? bearer.token : undefined;
}

/** A client key as `keyward config init` keeps it. */
export function decodeKey(text: string): string | undefined {
  const key = parseObject(text)?.['key'];
  return typeof key === 'string' && key !== '' ? key : undefined;
}
