import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Secrets of one run, each of its own and of no known form, so that no pattern can know them. */
export interface Canaries {
  /** A new one; `name` says later where it got in. */
  readonly make: (name: string) => string;
  /** The names of those found in the bytes, as they are or in a common coding. */
  readonly findIn: (bytes: Buffer | string) => readonly string[];
}

export function createCanaries(): Canaries {
  const known = new Map<string, string>();
  return {
    make: (name) => {
      const value = `cnry${name.replaceAll(/[^a-z]/gi, '')}${randomBytes(9).toString('hex')}`;
      known.set(name, value);
      return value;
    },
    findIn: (bytes) => {
      const text = typeof bytes === 'string' ? bytes : bytes.toString('latin1');
      return [...known].filter(([, value]) => formsOf(value).some((form) => text.includes(form))).map(([name]) => name);
    },
  };
}

/** The value, its tail alone (a cut one is as bad), and what Basic authentication or a data URL make of it at any offset. */
function formsOf(value: string): readonly string[] {
  const coded = ['', 'x', 'xx'].map((shift) => Buffer.from(shift + value).toString('base64').slice(4, -4));
  return [value, value.slice(-14), Buffer.from(value).toString('hex'), ...coded];
}

/** Every file below a folder with its bytes. */
export function filesBelow(folder: string): readonly { readonly path: string; readonly bytes: Buffer }[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => ({ path: join(entry.parentPath, entry.name), bytes: readFileSync(join(entry.parentPath, entry.name)) }));
}
