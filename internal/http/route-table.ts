import type { Access } from './inbound.ts';

/** What the matcher needs of a row; the rest of a row is the caller's. */
export interface RouteRow {
  /** Upper case. `GET` rows also serve `HEAD`; `OPTIONS` is answered for every path by the CORS rule. */
  readonly method: string;
  /**
   * Literal segments, `:name` for one segment, `:name(-ending)` for one with that ending, which is not captured, `:name+` at
   * the end for the rest (slashes included, at least one character).
   */
  readonly path: string;
  readonly access: Access;
}

export type RouteMatch<R extends RouteRow> =
  | { readonly kind: 'found'; readonly row: R; readonly params: Readonly<Record<string, string>> }
  /** `OPTIONS` on a path that exists; `allow` is what it serves, `access` that of its first row. */
  | { readonly kind: 'options'; readonly allow: string; readonly access: Access }
  /** The path exists, the method does not: 405 with `Allow: <allow>`; `access` is that of its first row. */
  | { readonly kind: 'wrong-method'; readonly allow: string; readonly access: Access }
  | { readonly kind: 'not-found' };

export interface RouteTable<R extends RouteRow> {
  /** `path` as `parseTarget` returned it. Literals are compared as sent, so an encoded letter matches none; params are decoded once. */
  readonly match: (method: string, path: string) => RouteMatch<R>;
}

/** A segment of a pattern. */
interface Segment {
  /** Undefined for a parameter. */
  readonly literal: string | undefined;
  /** What stands behind a parameter in its segment. */
  readonly ending: string;
}

interface Place<R> {
  readonly segments: readonly Segment[];
  readonly takesRest: boolean;
  readonly byMethod: Map<string, { readonly row: R; readonly names: readonly string[] }>;
  allow: string;
}

const noParams: Readonly<Record<string, string>> = Object.freeze({});

/** Compiles the one table of routes. Throws `TypeError` for rows that collide or are malformed: a mistake of ours. */
export function compileRoutes<R extends RouteRow>(rows: readonly R[]): RouteTable<R> {
  const exact = new Map<string, Place<R>>();
  const patterns = new Map<string, Place<R>>();
  for (const row of rows) addRow(row.path.includes(':') ? patterns : exact, row);
  for (const place of [...exact.values(), ...patterns.values()]) place.allow = allowOf(place);
  const ordered = [...patterns.values()].sort(bySpecificity);

  return {
    match: (method, path) => {
      const place = exact.get(path) ?? findPattern(ordered, path);
      return place === undefined ? { kind: 'not-found' } : matchMethod(place, method, path);
    },
  };
}

const parameter = /^:([\w-]+)(?:\(([^()+]+)\))?\+?$/;

function addRow<R extends RouteRow>(places: Map<string, Place<R>>, row: R): void {
  const parts = row.path.split('/').slice(1);
  const names = parts.flatMap((part) => parameter.exec(part)?.[1] ?? []);
  const segments = parts.map((part): Segment => (part.startsWith(':') ? { literal: undefined, ending: parameter.exec(part)?.[2] ?? '' } : { literal: part, ending: '' }));
  const takesRest = row.path.endsWith('+');
  const isMalformed = parts.some((part, index) => part.startsWith(':') && (!parameter.test(part) || (part.endsWith('+') && index < parts.length - 1)));
  if (!row.path.startsWith('/') || row.method !== row.method.toUpperCase() || isMalformed) throw new TypeError(`malformed route ${row.method} ${row.path}`);
  // Rows that differ in their parameters' names alone are one place, so that 405 and `Allow` see all its methods.
  const shape = `${segments.map(({ literal, ending }) => literal ?? `:${ending}`).join('/')}${takesRest ? '+' : ''}`;
  const place = places.get(shapeKey(row, shape)) ?? { segments, takesRest, byMethod: new Map(), allow: '' };
  if (place.byMethod.has(row.method)) throw new TypeError(`route ${row.method} ${row.path} is there twice`);
  place.byMethod.set(row.method, { row, names });
  places.set(shapeKey(row, shape), place);
}

function shapeKey(row: RouteRow, shape: string): string {
  return row.path.includes(':') ? shape : row.path;
}

function matchMethod<R extends RouteRow>(place: Place<R>, method: string, path: string): RouteMatch<R> {
  const entry = place.byMethod.get(method) ?? (method === 'HEAD' ? place.byMethod.get('GET') : undefined);
  if (entry !== undefined) return { kind: 'found', row: entry.row, params: entry.names.length === 0 ? noParams : captureParams(place, entry.names, path) };
  const [first] = place.byMethod.values();
  const access: Access = first?.row.access ?? { kind: 'open' };
  return { kind: method === 'OPTIONS' ? 'options' : 'wrong-method', allow: place.allow, access };
}

function findPattern<R>(ordered: readonly Place<R>[], path: string): Place<R> | undefined {
  const parts = path.split('/').slice(1);
  return ordered.find((place) => fits(place, parts));
}

function fits(place: Place<unknown>, parts: readonly string[]): boolean {
  const { segments, takesRest } = place;
  if (takesRest ? parts.length < segments.length : parts.length !== segments.length) return false;
  return segments.every(({ literal, ending }, index) => {
    const part = parts[index] ?? '';
    return literal === undefined ? part.length > ending.length && part.endsWith(ending) : literal === part;
  });
}

function captureParams(place: Place<unknown>, names: readonly string[], path: string): Readonly<Record<string, string>> {
  const parts = path.split('/').slice(1);
  const params: Record<string, string> = {};
  let next = 0;
  place.segments.forEach((segment, index) => {
    const name = segment.literal === undefined ? names[next] : undefined;
    if (name === undefined) return;
    next += 1;
    const isRest = place.takesRest && index === place.segments.length - 1;
    const part = isRest ? parts.slice(index).join('/') : (parts[index] ?? '');
    params[name] = decodeURIComponent(part.slice(0, part.length - segment.ending.length));
  });
  return params;
}

function allowOf(place: Place<unknown>): string {
  const methods = new Set(place.byMethod.keys());
  if (methods.has('GET')) methods.add('HEAD');
  methods.add('OPTIONS');
  return [...methods].sort().join(', ');
}

/** A literal beats a parameter at the first place where two patterns differ, and a longer ending a shorter; a fixed length beats the rest. */
function bySpecificity(a: Place<unknown>, b: Place<unknown>): number {
  const length = Math.min(a.segments.length, b.segments.length);
  for (let index = 0; index < length; index += 1) {
    const left = a.segments[index];
    const right = b.segments[index];
    if (left === undefined || right === undefined) break;
    if ((left.literal === undefined) !== (right.literal === undefined)) return left.literal === undefined ? 1 : -1;
    if (left.ending.length !== right.ending.length) return right.ending.length - left.ending.length;
  }
  return Number(a.takesRest) - Number(b.takesRest) || b.segments.length - a.segments.length;
}
