import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock/clock.ts';
import { randomToken } from '../../secret/digest.ts';
import type { Person } from '../../clients/issued/person.ts';
import type { Seals } from './sealed.ts';

/** Somebody who signed in on this browser. */
export interface SignedIn {
  readonly person: Person;
  readonly expiresAtMs: number;
  /** The user code that was sent off before signing in, or just now; the next page is about it. */
  enteredCode: string | undefined;
  /** What became of codes here, so that a second click is told. */
  readonly decided: Map<string, 'approved' | 'denied'>;
}

/** One browser, for one request. */
export interface Visit {
  /** Signed in the cookie; names no table row before somebody has signed in. */
  readonly id: string;
  readonly signedIn: SignedIn | undefined;
  /** To be sent along; undefined where the browser has it already. */
  readonly setCookie: string | undefined;
}

export interface PageSessions {
  readonly visit: (cookieHeader: string | string[] | undefined) => Visit;
  /** Under a new id, so that a cookie from before, whoever put it there, is nobody's. */
  readonly signIn: (before: Visit, person: Person, enteredCode?: string) => Visit;
  readonly signOut: (visit: Visit) => Visit;
  /** The token of a form; `purpose` names what it does, and to what. */
  readonly formToken: (visit: Visit, purpose: string) => string;
  readonly isFormToken: (visit: Visit, purpose: string, token: string) => boolean;
  /** People signed in now. */
  readonly size: () => number;
}

export interface PageSessionsDeps {
  readonly clock: Clock;
  readonly seals: Seals;
  /** `public-url` is https. */
  readonly isSecure: boolean;
}

const lifeMs = 15 * 60_000;
const maxSessions = 5_000;
const maxDecided = 32;

/** The browser's sign-in (security rule 35): in memory, for 15 minutes from signing in, whatever happens in them. */
export function createPageSessions({ clock, seals, isSecure }: PageSessionsDeps): PageSessions {
  // RFC 6265bis §4.1.3.2: with the prefix no neighbouring host can plant it.
  const name = isSecure ? '__Host-keyward_session' : 'keyward_session';
  const sessions = new LRUCache<string, SignedIn>({ max: maxSessions });

  // Lax, since the provider's page leads back here; what changes anything is a form with a token.
  const cookieOf = (id: string, bornMs: number): string =>
    `${name}=${id}.${bornMs.toString(36)}.${seals.sign('cookie', id, String(bornMs))}; Path=/; Max-Age=${lifeMs / 1_000}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;

  const fresh = (): Visit => {
    const id = randomToken(16);
    return { id, signedIn: undefined, setCookie: cookieOf(id, clock.nowMs()) };
  };

  /** A form that is open now shall not grow too old by a cookie from before; when a sign-in ends, the table says. */
  const renewed = ({ id, bornMs }: Held): string | undefined => (clock.nowMs() - bornMs < lifeMs / 4 ? undefined : cookieOf(id, clock.nowMs()));

  const find = (id: string): SignedIn | undefined => {
    const session = sessions.get(id);
    if (session === undefined || session.expiresAtMs > clock.nowMs()) return session;
    sessions.delete(id);
    return undefined;
  };

  return {
    visit: (header) => {
      const held = readCookie(header, name, seals, clock.nowMs());
      return held === undefined ? fresh() : { id: held.id, signedIn: find(held.id), setCookie: renewed(held) };
    },
    signIn: (before, person, enteredCode) => {
      sessions.delete(before.id);
      const visit = fresh();
      const signedIn: SignedIn = { person, expiresAtMs: clock.nowMs() + lifeMs, enteredCode, decided: new Map() };
      sessions.set(visit.id, signedIn);
      return { ...visit, signedIn };
    },
    signOut: ({ id }) => {
      sessions.delete(id);
      return fresh();
    },
    formToken: ({ id }, purpose) => seals.sign('form', id, purpose),
    isFormToken: ({ id }, purpose, token) => seals.isSignedBy(token, 'form', id, purpose),
    size: () => sessions.size,
  };
}

/** Keeps what became of a code, and forgets the oldest. */
export function noteDecided({ decided }: SignedIn, code: string, how: 'approved' | 'denied'): void {
  decided.set(code, how);
  const [oldest] = decided.keys();
  if (decided.size > maxDecided && oldest !== undefined) decided.delete(oldest);
}

interface Held {
  readonly id: string;
  readonly bornMs: number;
}

/** Two cookies of the name are none: one of them was planted. */
function readCookie(header: string | string[] | undefined, name: string, seals: Seals, nowMs: number): Held | undefined {
  const pairs = (Array.isArray(header) ? header.join(';') : (header ?? '')).split(';').map((pair) => pair.trim());
  const values = pairs.filter((pair) => pair.startsWith(`${name}=`)).map((pair) => pair.slice(name.length + 1));
  if (values.length !== 1) return undefined;
  const parts = (values[0] ?? '').split('.');
  const [id = '', born = '', signature = ''] = parts;
  if (parts.length !== 3 || !/^[0-9a-z]{1,12}$/.test(born)) return undefined;
  const bornMs = Number.parseInt(born, 36);
  if (!seals.isSignedBy(signature, 'cookie', id, String(bornMs))) return undefined;
  return bornMs > nowMs - lifeMs ? { id, bornMs } : undefined;
}
