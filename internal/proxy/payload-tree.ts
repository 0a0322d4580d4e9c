import type { MemberStep } from '../config/payload/member-step.ts';
import { endOfValue } from '../dialect/json-scan.ts';

interface Member {
  readonly name: string;
  /** As it stands in the body, quotes included. */
  readonly written: Buffer;
  readonly value: PayloadTree;
}

const openBrace = 0x7b;
const openBracket = 0x5b;
const comma = Buffer.from(',');
const colon = Buffer.from(':');
const nothing = Buffer.from('null');

/**
 * JSON that is changed in places. Only containers that a path leads through are taken apart; all else keeps its very bytes,
 * numbers and order included. Where a name stands twice in an object the last one counts, and a change leaves no other.
 */
export class PayloadTree {
  /** Undefined once something below has changed. */
  #bytes: Buffer | undefined;
  #members: Member[] | undefined;
  #items: PayloadTree[] | undefined;

  /** `bytes` are one JSON value, checked before, without blanks around it. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Undefined: nothing is there. */
  find(path: readonly MemberStep[]): PayloadTree | undefined {
    return path.reduce<PayloadTree | undefined>((at, step) => (at === undefined ? undefined : at.#childAt(step)), this);
  }

  /** The items of a list; undefined for what is none. */
  items(): readonly PayloadTree[] | undefined {
    this.#open();
    return this.#items;
  }

  /** The value as JavaScript has it. */
  toJson(): unknown {
    return JSON.parse(this.toBytes().toString('utf8'));
  }

  isContainer(): boolean {
    return this.#bytes === undefined || this.#bytes[0] === openBrace || this.#bytes[0] === openBracket;
  }

  isNull(): boolean {
    return this.#bytes?.equals(nothing) === true;
  }

  /**
   * Writes JSON at the path. Missing containers are made, and anything else but a container gives way to one; into a list
   * leads only a place, at most one behind its end but for `null`s put between. False: nothing changed.
   */
  set(path: readonly MemberStep[], value: Buffer): boolean {
    const [step, ...rest] = path;
    if (step === undefined) return this.#become(value);
    this.#open();
    if (this.#items === undefined && this.#members === undefined) this.#empty(step);
    const isChanged = this.#items === undefined ? this.#setMember(step, rest, value) : this.#setItem(this.#items, step, rest, value);
    return this.#note(isChanged);
  }

  /** False: nothing was there. */
  remove(path: readonly MemberStep[]): boolean {
    const [step, ...rest] = path;
    if (step === undefined) return false;
    this.#open();
    if (rest.length === 0) return this.#note(this.#removeChild(step));
    const hadOthers = this.#dropEarlier(step.name);
    const isChanged = this.#childAt(step)?.remove(rest) ?? false;
    return this.#note(isChanged || hadOthers);
  }

  toBytes(): Buffer {
    if (this.#bytes !== undefined) return this.#bytes;
    const pieces: Buffer[] = [];
    this.#write(pieces);
    return Buffer.concat(pieces);
  }

  #write(pieces: Buffer[]): void {
    if (this.#bytes !== undefined) {
      pieces.push(this.#bytes);
      return;
    }
    pieces.push(Buffer.from(this.#items === undefined ? '{' : '['));
    for (const [index, member] of (this.#members ?? []).entries()) {
      if (index > 0) pieces.push(comma);
      pieces.push(member.written, colon);
      member.value.#write(pieces);
    }
    for (const [index, item] of (this.#items ?? []).entries()) {
      if (index > 0) pieces.push(comma);
      item.#write(pieces);
    }
    pieces.push(Buffer.from(this.#items === undefined ? '}' : ']'));
  }

  #note(isChanged: boolean): boolean {
    if (isChanged) this.#bytes = undefined;
    return isChanged;
  }

  #become(value: Buffer): boolean {
    if (this.#bytes?.equals(value) === true) return false;
    this.#bytes = value;
    this.#members = undefined;
    this.#items = undefined;
    return true;
  }

  /** An empty container into which the step leads. */
  #empty(step: MemberStep): void {
    if (step.index === undefined) this.#members = [];
    else this.#items = [];
  }

  #setMember(step: MemberStep, rest: readonly MemberStep[], value: Buffer): boolean {
    const hadOthers = this.#dropEarlier(step.name);
    const child = this.#childAt(step);
    if (child !== undefined) return child.set(rest, value) || hadOthers;
    this.#members?.push({ name: step.name, written: Buffer.from(JSON.stringify(step.name)), value: built(rest, value) });
    return true;
  }

  #setItem(items: PayloadTree[], { index }: MemberStep, rest: readonly MemberStep[], value: Buffer): boolean {
    if (index === undefined) return false;
    const child = index === 'end' ? undefined : items[index];
    if (child !== undefined) return child.set(rest, value);
    const gap = index === 'end' ? 0 : index - items.length;
    for (let filled = 0; filled < gap; filled++) items.push(new PayloadTree(nothing));
    items.push(built(rest, value));
    return true;
  }

  #removeChild({ name, index }: MemberStep): boolean {
    const items = this.#items;
    if (items !== undefined) {
      const at = index === 'end' ? items.length - 1 : (index ?? -1);
      return at >= 0 && items.splice(at, 1).length > 0;
    }
    const kept = this.#members?.filter((member) => member.name !== name);
    if (kept === undefined || kept.length === this.#members?.length) return false;
    this.#members = kept;
    return true;
  }

  /** Parsers disagree on which one of several counts: whoever changes one must not leave another. */
  #dropEarlier(name: string): boolean {
    const members = this.#members;
    const last = members?.findLastIndex((member) => member.name === name) ?? -1;
    const kept = members?.filter((member, index) => member.name !== name || index === last);
    if (kept === undefined || kept.length === members?.length) return false;
    this.#members = kept;
    return true;
  }

  #childAt({ name, index }: MemberStep): PayloadTree | undefined {
    this.#open();
    if (this.#items !== undefined) return typeof index === 'number' ? this.#items[index] : undefined;
    return this.#members?.findLast((member) => member.name === name)?.value;
  }

  #open(): void {
    if (this.#bytes === undefined || this.#members !== undefined || this.#items !== undefined) return;
    if (this.#bytes[0] === openBrace) this.#members = readMembers(this.#bytes);
    else if (this.#bytes[0] === openBracket) this.#items = readItems(this.#bytes);
  }
}

function built(path: readonly MemberStep[], value: Buffer): PayloadTree {
  const tree = new PayloadTree(path.length === 0 ? value : nothing);
  tree.set(path, value);
  return tree;
}

function readMembers(bytes: Buffer): Member[] {
  const members: Member[] = [];
  for (let at = skipSpace(bytes, 1); bytes[at] === 0x22; ) {
    const written = bytes.subarray(at, endAt(bytes, at));
    const start = skipSpace(bytes, skipSpace(bytes, at + written.length) + 1);
    const end = endAt(bytes, start);
    members.push({ name: String(JSON.parse(written.toString('utf8'))), written, value: new PayloadTree(bytes.subarray(start, end)) });
    at = skipSpace(bytes, skipSpace(bytes, end) + 1);
  }
  return members;
}

function readItems(bytes: Buffer): PayloadTree[] {
  const items: PayloadTree[] = [];
  for (let at = skipSpace(bytes, 1); at < bytes.length && bytes[at] !== 0x5d; ) {
    const end = endAt(bytes, at);
    items.push(new PayloadTree(bytes.subarray(at, end)));
    at = skipSpace(bytes, skipSpace(bytes, end) + 1);
  }
  return items;
}

function endAt(bytes: Buffer, start: number): number {
  const end = endOfValue(bytes, start);
  if (end < 0) throw new TypeError('the body was not checked');
  return end;
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at++;
  return at;
}
