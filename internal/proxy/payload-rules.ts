import type { IncomingHttpHeaders } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import type { ProviderKind } from '../accounts/account.ts';
import type { MemberStep } from '../config/payload/member-step.ts';
import { parsePayloadPath, type PathStep } from '../config/payload/path.ts';
import { readProtocol } from '../config/payload/protocol.ts';
import { jsonOfRawValue, jsonOfValue } from '../config/payload/values.ts';
import type { Config } from '../config/schema.ts';
import type { Dialect, Operation } from '../dialect/dialect.ts';
import { compilePatterns } from '../routing/wildcard.ts';
import { resolvePath } from './payload-query.ts';
import { PayloadTree } from './payload-tree.ts';

/** What a rule may ask of a request. */
export interface PayloadQuery {
  /** As the client named it. */
  readonly model: string;
  readonly upstreamModel: string;
  readonly operation: Operation;
  /** Spoken upstream. */
  readonly dialect: Dialect;
  readonly provider: ProviderKind;
  readonly clientDialect: Dialect;
  /** The client's. */
  readonly headers: IncomingHttpHeaders;
}

export interface PayloadRules {
  /** Whether some rule may apply; what the body says is not asked yet. */
  readonly applies: (query: PayloadQuery) => boolean;
  /**
   * The body with what the rules make of it: defaults first, then overrides, then removals. The same buffer where nothing
   * changes. `body` is a checked JSON object in the dialect spoken upstream, without an envelope.
   */
  readonly apply: (body: Buffer, query: PayloadQuery) => Buffer;
}

/** Rules are written for generating; counts, embeddings and media take other fields. */
const generating: ReadonlySet<Operation> = new Set<Operation>(['chat', 'completions', 'responses', 'messages', 'gemini-generate']);

type Payload = Config['payload'];
type RuleModel = Payload['filter'][number]['models'][number];

/** One of a rule's `models`. */
interface Condition {
  readonly fitsQuery: (query: PayloadQuery) => boolean;
  readonly fitsBody: (body: PayloadTree) => boolean;
}

interface Write {
  readonly path: readonly PathStep[];
  readonly value: Buffer;
}

interface Rule<T> {
  readonly conditions: readonly Condition[];
  readonly params: readonly T[];
}

/** Compiles the rules of a checked config. */
export function compilePayloadRules(payload: Payload): PayloadRules {
  const defaults = [...payload.default.map((rule) => writeRule(rule, jsonOfValue)), ...payload['default-raw'].map((rule) => writeRule(rule, jsonOfRawValue))];
  const overrides = [...payload.override.map((rule) => writeRule(rule, jsonOfValue)), ...payload['override-raw'].map((rule) => writeRule(rule, jsonOfRawValue))];
  const filters = payload.filter.map(({ models, params }): Rule<readonly PathStep[]> => ({ conditions: models.map(compileCondition), params: params.map(pathOf) }));
  const conditions = [...defaults, ...overrides, ...filters].flatMap((rule) => rule.conditions);
  return {
    applies: (query) => generating.has(query.operation) && conditions.some(({ fitsQuery }) => fitsQuery(query)),
    apply: (body, query) => {
      if (!generating.has(query.operation)) return body;
      const tree = new PayloadTree(trimmed(body));
      const fits = ({ conditions: own }: Rule<unknown>): boolean => own.some(({ fitsQuery, fitsBody }) => fitsQuery(query) && fitsBody(tree));
      const changes = [applyDefaults(tree, defaults, fits), applyOverrides(tree, overrides, fits), applyFilters(tree, filters, fits)];
      return changes.includes(true) ? tree.toBytes() : body;
    },
  };
}

function applyDefaults(tree: PayloadTree, rules: readonly Rule<Write>[], fits: (rule: Rule<Write>) => boolean): boolean {
  // What is put behind a list's end is missing each time.
  const written = new Set<string>();
  let isChanged = false;
  for (const rule of rules) {
    if (!fits(rule)) continue;
    for (const { path, value } of rule.params) {
      for (const place of resolvePath(tree, path)) {
        const name = nameOf(place);
        if (written.has(name) || tree.find(place) !== undefined || !tree.set(place, value)) continue;
        written.add(name);
        isChanged = true;
      }
    }
  }
  return isChanged;
}

function applyOverrides(tree: PayloadTree, rules: readonly Rule<Write>[], fits: (rule: Rule<Write>) => boolean): boolean {
  let isChanged = false;
  for (const rule of rules) {
    if (!fits(rule)) continue;
    for (const { path, value } of rule.params) {
      for (const place of resolvePath(tree, path)) if (tree.set(place, value)) isChanged = true;
    }
  }
  return isChanged;
}

function applyFilters(tree: PayloadTree, rules: readonly Rule<readonly PathStep[]>[], fits: (rule: Rule<readonly PathStep[]>) => boolean): boolean {
  let isChanged = false;
  for (const rule of rules) {
    if (!fits(rule)) continue;
    for (const path of rule.params) {
      // From the end, so that places before the removed ones stay the same.
      for (const place of resolvePath(tree, path).toReversed()) if (tree.remove(place)) isChanged = true;
    }
  }
  return isChanged;
}

function nameOf(place: readonly MemberStep[]): string {
  return JSON.stringify(place.map(({ name, index }) => [name, index]));
}

function writeRule({ models, params }: Payload['default'][number], jsonOf: (value: unknown) => string | undefined): Rule<Write> {
  const writes = Object.entries(params).map(([param, value]): Write => {
    const json = jsonOf(value);
    if (json === undefined) throw new TypeError('payload rules were not checked');
    return { path: pathOf(param), value: Buffer.from(json) };
  });
  return { conditions: models.map(compileCondition), params: writes };
}

function pathOf(text: string): readonly PathStep[] {
  const path = parsePayloadPath(text);
  if (!path.ok) throw new TypeError('payload rules were not checked');
  return path.value;
}

function compileCondition(model: RuleModel): Condition {
  const fitsName = compilePatterns([model.name.toLowerCase()]);
  const protocol = protocolTest(model.protocol);
  const from = protocolTest(model['from-protocol']);
  const headers = Object.entries(model.headers).map(([name, pattern]) => ({ name: name.toLowerCase(), fits: compilePatterns([pattern.trim().toLowerCase()]) }));
  const wanted = model.match.flatMap(valuesAt);
  const unwanted = model['not-match'].flatMap(valuesAt);
  const present = model.exist.map(pathOf);
  const absent = model['not-exist'].map(pathOf);
  return {
    fitsQuery: (query) =>
      (fitsName(query.model) ?? fitsName(query.upstreamModel)) !== undefined &&
      protocol(query.dialect, query.provider) &&
      from(query.clientDialect, undefined) &&
      headers.every(({ name, fits }) => [query.headers[name] ?? []].flat().some((value) => fits(value) !== undefined)),
    fitsBody: (body) =>
      wanted.every(({ path, value }) => holds(body, path, value)) &&
      !unwanted.some(({ path, value }) => holds(body, path, value)) &&
      present.every((path) => isThere(body, path)) &&
      !absent.some((path) => isThere(body, path)),
  };
}

/** `gemini` leaves out the agent plan, which has a name of its own in the Go program. */
function protocolTest(name: string): (dialect: Dialect, provider: ProviderKind | undefined) => boolean {
  if (name === '') return () => true;
  const protocol = readProtocol(name);
  return (dialect, provider) => protocol?.dialect === dialect && protocol.isAntigravity === (provider === 'antigravity');
}

interface Expectation {
  readonly path: readonly PathStep[];
  readonly value: unknown;
}

function valuesAt(condition: Readonly<Record<string, unknown>>): readonly Expectation[] {
  return Object.entries(condition).map(([param, value]) => {
    const plain: unknown = JSON.parse(jsonOfValue(value) ?? 'null');
    return { path: pathOf(param), value: plain };
  });
}

function holds(body: PayloadTree, path: readonly PathStep[], value: unknown): boolean {
  const isObject = typeof value === 'object' && value !== null;
  return resolvePath(body, path).some((place) => {
    const found = body.find(place);
    return found !== undefined && found.isContainer() === isObject && isDeepStrictEqual(found.toJson(), value);
  });
}

function isThere(body: PayloadTree, path: readonly PathStep[]): boolean {
  return resolvePath(body, path).some((place) => body.find(place)?.isNull() === false);
}

const space: ReadonlySet<number | undefined> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** Without the blanks that may stand around it. */
function trimmed(body: Buffer): Buffer {
  let start = 0;
  let end = body.length;
  while (space.has(body[start])) start++;
  while (end > start && space.has(body[end - 1])) end--;
  return body.subarray(start, end);
}
