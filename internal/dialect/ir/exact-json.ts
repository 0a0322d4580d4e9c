/*
 * JSON whose numbers keep the digits they were written with. A JavaScript number holds about 16 of them: an id beyond 2^53 comes
 * out rounded, and 1e400 as null. Such a number stays the text it was, in an object of the engine's own that `JSON.stringify`
 * writes as it stands.
 */

/** A number as its sender wrote it: frozen, without a prototype, so that neither `String` nor `Number` takes it. @see https://github.com/tc39/proposal-json-parse-with-source */
export interface ExactNumber {
  readonly rawJSON: string;
}

declare global {
  interface JSON {
    readonly rawJSON: (text: string) => ExactNumber;
    readonly isRawJSON: (value: unknown) => boolean;
  }
}

/**
 * Where a number begins that a JavaScript number may not give back: one of 16 places or more, one with an exponent, or -0. Such
 * digits inside strings are found as well, which costs time and changes nothing.
 */
const mayBeDamaged = /(?:^|[:,[\s])(?:-?[\d.]{16}|-?\d[\d.]*[eE]|-0(?![\d.]))/;
const isUnsafe = /[\d.]{16}|[eE]|^-0$/;
const isNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/;

/**
 * Parses JSON text. Numbers of 16 places or more, with an exponent, or `-0`, are `ExactNumber`s if JavaScript would write them
 * otherwise; all others are numbers. Throws `SyntaxError`, and `RangeError` for nesting by the thousands beside such a number.
 */
export function parseExact(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return mayBeDamaged.test(text) ? new ExactReader(text).read() : value;
}

/** A number from its text; undefined for text that is no JSON number. */
export function numberFromText(text: string): number | ExactNumber | undefined {
  return isNumber.test(text) ? readNumber(text) : undefined;
}

export function isExactNumber(value: unknown): value is ExactNumber {
  return JSON.isRawJSON(value);
}

/** A number of either kind. */
export function isAnyNumber(value: unknown): value is number | ExactNumber {
  return typeof value === 'number' || isExactNumber(value);
}

export function isWhole(value: number | ExactNumber): boolean {
  const text = textOfNumber(value) ?? '';
  return /^-?\d+(?:\.0+)?$/.test(text) || (/e/i.test(text) && Number.isInteger(Number(text)));
}

/** As it is written in JSON; undefined for what is no number. */
export function textOfNumber(value: unknown): string | undefined {
  return typeof value === 'number' ? String(value) : isExactNumber(value) ? value.rawJSON : undefined;
}

/** The whole number in a number's text: exact where no exponent hides it, undefined beyond what a JavaScript number reaches. Rounds down. */
export function floorOf(value: number | ExactNumber): bigint | undefined {
  const text = textOfNumber(value) ?? '';
  const plain = /^(-?\d{1,400})(?:\.(\d+))?$/.exec(text);
  if (plain !== null) return BigInt(plain[1] ?? '') - (text.startsWith('-') && /[1-9]/.test(plain[2] ?? '') ? 1n : 0n);
  const near = Math.floor(Number(text));
  return Number.isFinite(near) ? BigInt(near) : undefined;
}

/** Whether `a` is the greater; of numbers with an exponent or digits after the point as far as JavaScript can tell. */
export function isGreater(a: number | ExactNumber, b: number | ExactNumber): boolean {
  const [first, second] = [textOfNumber(a) ?? '', textOfNumber(b) ?? ''];
  const areWhole = [first, second].every((text) => /^-?\d{1,400}$/.test(text));
  return areWhole ? BigInt(first) > BigInt(second) : Number(first) > Number(second);
}

function readNumber(text: string): number | ExactNumber {
  const value = Number(text);
  return isUnsafe.test(text) && String(value) !== text ? JSON.rawJSON(copyOf(text)) : value;
}

/** A part of a text keeps the whole of it in memory, which may be a body. */
function copyOf(part: string): string {
  return Buffer.from(part, 'latin1').toString('latin1');
}

const [quote, comma, colon, openList, closeList, backslash, openObject, closeObject] = [0x22, 0x2c, 0x3a, 0x5b, 0x5d, 0x5c, 0x7b, 0x7d];

/**
 * Reads text that is known to be JSON. `JSON.parse` with a reviver does the same at ten times the price for a list of small values,
 * which nobody may make the process pay.
 */
class ExactReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): unknown {
    switch (this.#next()) {
      case openObject:
        return this.#readObject();
      case openList:
        return this.#readList();
      case quote:
        return this.#readString();
      case 0x74:
        this.#at += 4;
        return true;
      case 0x66:
        this.#at += 5;
        return false;
      case 0x6e:
        this.#at += 4;
        return null;
      default:
        return this.#readNumber();
    }
  }

  /** The code of what stands after blanks. */
  #next(): number {
    let code = this.#text.charCodeAt(this.#at);
    while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) code = this.#text.charCodeAt(++this.#at);
    return code;
  }

  #readObject(): Readonly<Record<string, unknown>> {
    const found: Record<string, unknown> = {};
    this.#at++;
    while (this.#next() !== closeObject) {
      const name = this.#readString();
      if (this.#next() === colon) this.#at++;
      const value = this.read();
      // Assigned, it would become the prototype.
      if (name === '__proto__') Object.defineProperty(found, name, { value, enumerable: true, configurable: true, writable: true });
      else found[name] = value;
      if (this.#next() === comma) this.#at++;
    }
    this.#at++;
    return found;
  }

  #readList(): readonly unknown[] {
    const found: unknown[] = [];
    this.#at++;
    while (this.#next() !== closeList) {
      found.push(this.read());
      if (this.#next() === comma) this.#at++;
    }
    this.#at++;
    return found;
  }

  #readString(): string {
    const start = this.#at;
    let end = this.#text.indexOf('"', start + 1);
    while (this.#isEscaped(end)) end = this.#text.indexOf('"', end + 1);
    this.#at = end + 1;
    return String(JSON.parse(this.#text.slice(start, end + 1)));
  }

  #isEscaped(at: number): boolean {
    let before = at;
    while (this.#text.charCodeAt(before - 1) === backslash) before--;
    return (at - before) % 2 === 1;
  }

  #readNumber(): number | ExactNumber {
    const start = this.#at;
    let code = this.#text.charCodeAt(start);
    // Digits, the point, signs and the exponent's letter.
    while ((code >= 0x2b && code <= 0x39 && code !== comma) || code === 0x65 || code === 0x45) code = this.#text.charCodeAt(++this.#at);
    return readNumber(this.#text.slice(start, this.#at));
  }
}
