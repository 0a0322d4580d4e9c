import { isFieldValue } from '../../dialect/field-value.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import type { OperatorFields } from './auth-file.ts';
import type { OperatorName } from './field-names.ts';
import type { Members } from './members.ts';

/** What is wrong with a value: the rest of a sentence that begins with the field's name. It never quotes the value, which may be a secret in the wrong place. */
type Read<T> = (value: unknown) => Result<T, string>;

const flag: Read<boolean> = (value) => {
  const plain = typeof value === 'string' ? value.trim().toLowerCase() : value;
  if (plain === true || plain === 'true') return ok(true);
  return plain === false || plain === 'false' ? ok(false) : err('must be true or false');
};

const text: Read<string> = (value) => (typeof value === 'string' ? ok(value.trim()) : err('must be text'));

const prefix: Read<string> = (value) => {
  const read = text(value);
  if (!read.ok) return read;
  const trimmed = read.value.replace(/^\/+|\/+$/g, '');
  return trimmed.includes('/') ? err('must not hold a slash inside') : ok(trimmed);
};

const integer = (least: number, most: number): Read<number> => (value) => {
  const number = typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) return err('must be a whole number');
  return number < least || number > most ? err(`must be from ${least} to ${most}`) : ok(number);
};

const headers: Read<ReadonlyMap<string, string>> = (value) => {
  const entries = entriesOf(value);
  if (entries === undefined) return err('must be a map of header names and values');
  const read = new Map<string, string>();
  for (const [name, item] of entries) {
    // RFC 9110 §5.1 and §5.5: a token, and a value without control characters.
    if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(name)) return err('holds a name that is no header name');
    if (typeof item !== 'string' || !isFieldValue(item)) return err('holds a value that no header can have');
    read.set(name, item);
  }
  return ok(read);
};

const texts: Read<readonly string[]> = (value) => {
  if (!Array.isArray(value)) return err('must be a list of names');
  const items: readonly unknown[] = value;
  const named = items.filter((item) => typeof item === 'string').map((item) => item.trim().toLowerCase());
  return named.length === items.length ? ok(named.filter((item) => item !== '')) : err('must be a list of names');
};

/** A list of `{name, alias}`, or a map from what clients say to the upstream's name. */
const aliases: Read<readonly { readonly name: string; readonly alias: string }[]> = (value) => {
  const wrong = err('must be a list of {name, alias}, or a map of aliases to names');
  const pairs: readonly (readonly [unknown, unknown])[] | undefined = Array.isArray(value)
    ? value.map((item: unknown) => {
        const members = new Map(entriesOf(item) ?? []);
        return [members.get('name'), members.get('alias')] as const;
      })
    : entriesOf(value)?.map(([alias, name]) => [name, alias] as const);
  if (pairs === undefined) return wrong;
  const read: { readonly name: string; readonly alias: string }[] = [];
  for (const [name, alias] of pairs) {
    if (typeof name !== 'string' || typeof alias !== 'string' || name.trim() === '' || alias.trim() === '') return wrong;
    read.push({ name: name.trim(), alias: alias.trim() });
  }
  return ok(read);
};

const baseUrl: Read<string> = (value) => {
  const read = text(value);
  return read.ok ? ok(read.value.replace(/\/+$/, '')) : read;
};

const anything: Read<unknown> = (value) => ok(value);

const readers = {
  disabled: flag,
  prefix,
  proxy_url: text,
  priority: integer(-1_000_000, 1_000_000),
  weight: integer(0, 10_000),
  headers,
  excluded_models: texts,
  model_aliases: aliases,
  disable_cooling: flag,
  note: text,
  base_url: baseUrl,
  label: text,
  request_retry: integer(0, 1_000),
  request_scoped_errors: anything,
  websockets: flag,
  refresh_interval_seconds: integer(0, 31_536_000),
} as const satisfies Record<OperatorName, Read<unknown>>;

/** What is wrong with a value for an operator field; undefined when it can be written. */
export function judgeOperatorField(name: OperatorName, value: unknown): string | undefined {
  const read: Result<unknown, string> = readers[name](value);
  return read.ok ? undefined : `${name} ${read.error}`;
}

export interface ReadOperatorFields {
  readonly fields: OperatorFields;
  /** One sentence each field that has the wrong form and counts as absent, or has two values. */
  readonly problems: readonly string[];
}

/** The operator's fields of a file. One of the wrong form takes its default and is told of. */
export function readOperatorFields(members: Members): ReadOperatorFields {
  const problems: string[] = [];
  const read = <T>(name: OperatorName, reader: Read<T>, fallback: T): T => {
    const [first, second] = members.top(name);
    if (first === undefined || first.value === null) return fallback;
    if (second !== undefined && second.json !== first.json) problems.push(`The field ${name} stands in two spellings with two values; ${first.path[0]} counts.`);
    const result = reader(first.value);
    if (result.ok) return result.value;
    problems.push(`The field ${name} ${result.error}; its default is used.`);
    return fallback;
  };
  const fields: OperatorFields = {
    disabled: read('disabled', readers.disabled, false),
    prefix: read('prefix', readers.prefix, ''),
    proxyUrl: read('proxy_url', readers.proxy_url, ''),
    priority: read('priority', readers.priority, 0),
    weight: read('weight', readers.weight, 1),
    headers: read('headers', readers.headers, new Map<string, string>()),
    excludedModels: read('excluded_models', readers.excluded_models, []),
    modelAliases: read('model_aliases', readers.model_aliases, []),
    disableCooling: read('disable_cooling', readers.disable_cooling, false),
    note: read('note', readers.note, ''),
    baseUrl: read('base_url', readers.base_url, ''),
  };
  return { fields, problems };
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : undefined;
}
