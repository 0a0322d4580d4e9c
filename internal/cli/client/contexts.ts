import { err, ok, type Result } from '../../fault/result.ts';
import type { CliProcess } from '../process-env.ts';
import { clientPlaces } from './places.ts';
import { parseObject, readPrivateText } from './private-file.ts';

/** One server as one person or machine; holds no secret. */
export interface ClientContext {
  /** Base URL without trailing slash. */
  readonly server: string;
  /** What there is to show there; `none` after a logout. */
  readonly credential: 'login' | 'key' | 'none';
  /** Where its secrets are: in a file as they are, or sealed by a key in the keychain. */
  readonly store: 'file' | 'keychain';
  /** `sub` of the login; `''` where nothing tells. */
  readonly subject: string;
  /** E-mail or another name for people. */
  readonly label: string;
  readonly organization: string;
}

export interface Contexts {
  /** Name of the one that commands use; `''` for none. */
  readonly current: string;
  readonly all: ReadonlyMap<string, ClientContext>;
}

export interface NamedContext extends ClientContext {
  readonly name: string;
}

export const noContexts: Contexts = { current: '', all: new Map() };

/** Names are file names too, on systems that do not tell `A` from `a`. */
export function isContextName(name: string): boolean {
  return /^[a-z\d][a-z\d._-]{0,63}$/.test(name);
}

/** Empty where there is no file yet. The error is a sentence for a person. */
export function readContexts(cli: Pick<CliProcess, 'env' | 'home' | 'uid'>): Result<Contexts, string> {
  const { contexts: path } = clientPlaces(cli);
  const text = readPrivateText(path, cli.uid);
  if (!text.ok) return text;
  if (text.value === undefined) return ok(noContexts);
  const root = parseObject(text.value);
  const listed = root?.['contexts'];
  if (root === undefined || typeof listed !== 'object' || listed === null) return err(`${path} is damaged; remove it and run \`keyward login\` again.`);
  const all = new Map<string, ClientContext>();
  for (const [name, value] of Object.entries(listed)) {
    const context = isContextName(name) ? decodeContext(value) : undefined;
    if (context !== undefined) all.set(name, context);
  }
  const { current } = root;
  return ok({ current: typeof current === 'string' && all.has(current) ? current : '', all });
}

export function encodeContexts({ current, all }: Contexts): string {
  const contexts = Object.fromEntries([...all].map(([name, { server, credential, store, subject, label, organization }]) => [name, { server, credential, store, subject, label, organization }]));
  return `${JSON.stringify({ version: 1, current, contexts }, undefined, 2)}\n`;
}

/** The context that `--context` names, else the current one; undefined where there is none. The error is a sentence for a person. */
export function pickContext(contexts: Contexts, flag: string | undefined): Result<NamedContext | undefined, string> {
  const name = flag ?? contexts.current;
  const context = contexts.all.get(name);
  if (context !== undefined) return ok({ name, ...context });
  return flag === undefined ? ok(undefined) : err(`There is no context ${flag}; \`keyward contexts list\` shows what there is.`);
}

function decodeContext(value: unknown): ClientContext | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const text = (name: string): string => {
    const member: unknown = Reflect.get(value, name);
    return typeof member === 'string' ? member : '';
  };
  const credential = text('credential');
  const server = text('server');
  if (server === '') return undefined;
  return {
    server,
    credential: credential === 'login' || credential === 'key' ? credential : 'none',
    store: text('store') === 'keychain' ? 'keychain' : 'file',
    subject: text('subject'),
    label: text('label'),
    organization: text('organization'),
  };
}
