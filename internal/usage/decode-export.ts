import { AppError } from '../fault/app-error.ts';
import { sha256Hex } from '../secret/digest.ts';
import { maskSecret, wholeMask } from '../secret/secret.ts';
import { toStored } from './recorder.ts';
import type { StoredUsage } from './store.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * The rows of an export, ours or the Go program's (version 0 or 1). The Go program writes client keys and account keys in
 * plain text; here they become ids by digest and masked labels, and error messages name places by position, never by key.
 * `invalid_request` names the first field that is wrong; nothing is stored by then.
 */
export function decodeExport(body: unknown): readonly StoredUsage[] {
  const top = object(body, 'the body');
  const version = top['version'] ?? 0;
  if (version !== 0 && version !== 1) refuse('version', 'unsupported version; 0 and 1 are understood');
  const usage = object(top['usage'], 'usage');
  const apis = Object.entries(object(usage['apis'] ?? {}, 'usage.apis'));
  return apis.flatMap(([name, api], index) => decodeApi(name, api, `usage.apis[${index}]`));
}

interface Client {
  readonly id: string;
  readonly label: string;
  /** What the Go program used instead of a key in open mode. */
  readonly endpoint: string;
}

function decodeApi(name: string, value: unknown, path: string): readonly StoredUsage[] {
  const api = object(value, path);
  const client = clientOf(name, api, path);
  const models = Object.entries(object(api['models'] ?? {}, `${path}.models`));
  return models.flatMap(([model, entry], index) => {
    const at = `${path}.models[${index}]`;
    return list(object(entry, at)['details'] ?? [], `${at}.details`).map((detail, position) => decodeDetail(client, name, model, detail, `${at}.details[${position}]`));
  });
}

const masked = /^.{4}….{4}$/u;
const isMasked = (label: string): boolean => label === wholeMask || masked.test(label);

function clientOf(name: string, api: Fields, path: string): Client {
  if (api['client_id'] !== undefined) {
    const id = text(api['client_id'], `${path}.client_id`);
    const label = text(api['client_label'] ?? '', `${path}.client_label`);
    if (!/^[\w:.-]{1,64}$/.test(id)) refuse(`${path}.client_id`, 'must be an id such as `key_0123456789ab`');
    // An edited file must not bring a key in as a label.
    return { id, label: isMasked(label) || label === id || label === 'management secret' ? label : maskSecret(label), endpoint: '' };
  }
  if (/^[A-Z]+ \/\S*$/.test(name)) return { id: 'anonymous', label: 'anonymous', endpoint: name };
  return { id: `key_${sha256Hex(name).slice(0, 12)}`, label: maskSecret(name), endpoint: '' };
}

function decodeDetail(client: Client, api: string, model: string, value: unknown, path: string): StoredUsage {
  const detail = object(value, path);
  const timestamp = text(detail['timestamp'], `${path}.timestamp`);
  const atMs = /^\d{4}-\d\d-\d\dT/.test(timestamp) ? Date.parse(timestamp) : NaN;
  if (Number.isNaN(atMs) || atMs < 0) refuse(`${path}.timestamp`, 'must be an RFC 3339 time');
  const tokens = decodeTokens(object(detail['tokens'] ?? {}, `${path}.tokens`), `${path}.tokens`);
  const failed = flag(detail['failed'] ?? false, `${path}.failed`);
  const source = text(detail['source'] ?? '', `${path}.source`);
  const authIndex = scalar(detail['auth_index'] ?? '', `${path}.auth_index`);
  const isOurs = detail['request_id'] !== undefined;
  const account = isOurs ? ourAccount(detail, authIndex, path) : { id: goAccountId(source, authIndex), label: maskSource(source), provider: '' };
  const row = toStored({
    // Exports of the Go program name no request: what it compares by is digested instead, so a second import finds it.
    requestId: isOurs ? requestId(detail, path) : `import_${sha256Hex(JSON.stringify([api, model, timestamp, source, authIndex, failed, tokens])).slice(0, 24)}`,
    atMs,
    clientId: client.id,
    clientLabel: client.label,
    accountId: account.id,
    accountLabel: account.label,
    provider: account.provider,
    model,
    endpoint: text(detail['endpoint'] ?? client.endpoint, `${path}.endpoint`),
    status: number(detail['status'] ?? (failed ? 500 : 200), `${path}.status`),
    outcome: text(detail['outcome'] ?? (failed ? 'failed' : 'ok'), `${path}.outcome`),
    failed,
    attempts: number(detail['attempts'] ?? 1, `${path}.attempts`),
    latencyMs: number(detail['latency_ms'] ?? 0, `${path}.latency_ms`),
    firstByteMs: number(detail['first_byte_ms'] ?? 0, `${path}.first_byte_ms`),
    tokens: { ...tokens, estimated: flag(detail['estimated'] ?? false, `${path}.estimated`) },
  });
  return { ...row, totalTokens: tokens.total };
}

interface DecodedTokens {
  readonly input: number;
  readonly output: number;
  readonly reasoning: number;
  readonly cached: number;
  readonly total: number;
}

function decodeTokens(fields: Fields, path: string): DecodedTokens {
  const count = (name: string): number => {
    const value = number(fields[name] ?? 0, `${path}.${name}`);
    if (!Number.isSafeInteger(value) || value < 0 || value > 1_000_000_000) refuse(`${path}.${name}`, 'must be a whole number from 0 to 1,000,000,000');
    return value;
  };
  const input = count('input_tokens');
  const output = count('output_tokens');
  const reasoning = count('reasoning_tokens');
  const cached = count('cached_tokens');
  // The Go program's rule where it gives no total.
  const total = count('total_tokens') || input + output + reasoning || cached;
  return { input, output, reasoning, cached, total };
}

function ourAccount(detail: Fields, authIndex: string, path: string): { readonly id: string; readonly label: string; readonly provider: string } {
  const label = text(detail['account_label'] ?? '', `${path}.account_label`);
  if (authIndex !== '' && !/^[\w:.@-]{1,128}$/.test(authIndex)) refuse(`${path}.auth_index`, 'must be an account id');
  return { id: authIndex, label: label === '' || label.includes('…') || label.includes(wholeMask) ? label : maskSource(label), provider: text(detail['provider'] ?? '', `${path}.provider`) };
}

function goAccountId(source: string, authIndex: string): string {
  return source === '' && authIndex === '' ? '' : `imported:${sha256Hex(`${source}\n${authIndex}`).slice(0, 12)}`;
}

/** Addresses stay readable; all else may be a key. */
function maskSource(source: string): string {
  if (source === '' || isMasked(source) || /^[\w.+-]{1,64}@[\w.-]{1,190}$/.test(source)) return source;
  return maskSecret(source);
}

function requestId(detail: Fields, path: string): string {
  const id = text(detail['request_id'], `${path}.request_id`);
  if (!/^[\w-]{1,64}$/.test(id)) refuse(`${path}.request_id`, 'must be a request id');
  return id;
}

function refuse(field: string, problem: string): never {
  throw new AppError('invalid_request', { message: `\`${field}\`: ${problem}.`, fields: { field } });
}

function object(value: unknown, path: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(path, 'must be an object');
  return Object.fromEntries(Object.entries(value));
}

function list(value: unknown, path: string): readonly unknown[] {
  return Array.isArray(value) ? value : value === null ? [] : refuse(path, 'must be a list');
}

function text(value: unknown, path: string): string {
  return typeof value === 'string' ? value : refuse(path, 'must be text');
}

function scalar(value: unknown, path: string): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : refuse(path, 'must be text or a number');
}

function number(value: unknown, path: string): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : refuse(path, 'must be a number');
}

function flag(value: unknown, path: string): boolean {
  return typeof value === 'boolean' ? value : refuse(path, 'must be true or false');
}
