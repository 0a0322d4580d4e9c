import { inspect } from 'node:util';

const redacted = '[redacted]';

/** A value that prints as `[redacted]` everywhere; `.reveal()` is the only way out. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  /** `sk-a…9f3c`; secrets under 16 characters are masked whole. */
  masked(): string {
    return maskSecret(this.#value);
  }

  toString(): string {
    return redacted;
  }

  toJSON(): string {
    return redacted;
  }

  [inspect.custom](): string {
    return redacted;
  }
}

/** The whole-value mask of a short secret. */
export const wholeMask = '********';

/** First and last four characters around an ellipsis; `********` under 16 characters (security rule 20). */
export function maskSecret(value: string): string {
  return value.length < 16 ? wholeMask : `${value.slice(0, 4)}…${value.slice(-4)}`;
}

/** True for what `maskSecret` gives: a value that stands for a secret that is not told. */
export function isMask(text: string): boolean {
  return text === wholeMask || /^.{4}….{4}$/su.test(text);
}
