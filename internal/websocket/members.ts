import { endOfValue } from '../dialect/json-scan.ts';

const comma = Buffer.from(',');

/**
 * A JSON object with members replaced, put at its end where they are new, or left out where the change is undefined. All
 * other members stay byte for byte. `object` must have passed `scanObject`.
 */
export function withMembers(object: Buffer, changes: ReadonlyMap<string, Buffer | undefined>): Buffer {
  const kept: Buffer[] = [];
  const placed = new Set<string>();
  for (const { name, whole, nameEnd } of membersOf(object)) {
    if (!changes.has(name)) kept.push(whole);
    else {
      const value = changes.get(name);
      placed.add(name);
      if (value !== undefined) kept.push(Buffer.concat([whole.subarray(0, nameEnd), Buffer.from(':'), value]));
    }
  }
  for (const [name, value] of changes) if (value !== undefined && !placed.has(name)) kept.push(Buffer.concat([Buffer.from(`${JSON.stringify(name)}:`), value]));
  return Buffer.concat([Buffer.from('{'), ...joined(kept), Buffer.from('}')]);
}

/** A JSON array of the items inside `parts`, each of which is a comma list of values. */
export function arrayOf(parts: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from('['), ...joined(parts.filter(({ length }) => length > 0)), Buffer.from(']')]);
}

function joined(parts: readonly Buffer[]): readonly Buffer[] {
  return parts.flatMap((part, index) => (index === 0 ? [part] : [comma, part]));
}

interface Member {
  readonly name: string;
  readonly whole: Buffer;
  /** Within `whole`. */
  readonly nameEnd: number;
}

function* membersOf(object: Buffer): Generator<Member> {
  let at = skipTo(object, object.indexOf(0x7b) + 1);
  while (object[at] === 0x22) {
    const nameEnd = endOfValue(object, at);
    const colon = skipTo(object, nameEnd);
    const valueEnd = endOfValue(object, colon + 1);
    const name: unknown = JSON.parse(object.toString('utf8', at, nameEnd));
    yield { name: String(name), whole: object.subarray(at, valueEnd), nameEnd: nameEnd - at };
    at = skipTo(object, valueEnd);
    if (object[at] === 0x2c) at = skipTo(object, at + 1);
  }
}

/** The next byte that is no JSON white space. */
function skipTo(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at++;
  return at;
}
