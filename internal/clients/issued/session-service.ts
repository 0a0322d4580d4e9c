import type { Clock } from '../../clock/clock.ts';
import type { Scope } from '../grant.ts';
import type { KnownPerson, Person } from './person.ts';
import type { Session } from './session.ts';
import type { IdentityStore, PageQuery, SessionQuery } from './store.ts';

/** People and their logins. A write is durable and in force when a call returns. */
export interface Sessions {
  readonly find: (id: string) => Session | undefined;
  readonly list: (query: SessionQuery) => readonly Session[];
  readonly begin: (login: { readonly id: string; readonly person: Person; readonly clientId: string; readonly scopes: readonly Scope[]; readonly from: string; readonly userAgent: string }) => Session;
  /** False where it had ended. */
  readonly end: (id: string, by: string) => boolean;
  /** Of one token; the login behind it goes on. */
  readonly endToken: (jti: string, expiresAtMs: number) => void;
  readonly findPerson: (id: string) => KnownPerson | undefined;
  readonly listPeople: (query: PageQuery) => readonly KnownPerson[];
  readonly limitPerson: (id: string, limits: KnownPerson['limits']) => boolean;
  /** Rights follow what the provider said last. */
  readonly savePerson: (person: Person) => void;
}

export interface SessionsDeps {
  readonly store: IdentityStore;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly lifeMs: () => number;
  /** Called with every write that takes or changes rights, once it is durable. */
  readonly onChanged: () => void;
}

export function createSessions({ store, clock, lifeMs, onChanged }: SessionsDeps): Sessions {
  return {
    find: (id) => store.findSession(id),
    list: (query) => store.listSessions(query),
    begin: ({ id, person, clientId, scopes, from, userAgent }) => {
      const nowMs = clock.nowMs();
      const session: Session = { id, personId: person.id, clientId, scopes, createdAtMs: nowMs, createdFrom: from, userAgent, lastUsedAtMs: undefined, lastUsedFrom: '', expiresAtMs: nowMs + lifeMs(), endedAtMs: undefined, endedBy: '' };
      store.insertSession(session);
      return session;
    },
    end: (id, by) => {
      const hasEnded = store.endSession(id, by);
      onChanged();
      return hasEnded;
    },
    endToken: (jti, expiresAtMs) => {
      // All that is remembered is looked up anew after a change, so that the same word again must not count as one.
      if (expiresAtMs <= clock.nowMs() || store.isTokenEnded(jti)) return;
      store.endToken(jti, expiresAtMs);
      onChanged();
    },
    findPerson: (id) => store.findPerson(id),
    listPeople: (query) => store.listPeople(query),
    limitPerson: (id, limits) => {
      const isThere = store.limitPerson(id, limits);
      onChanged();
      return isThere;
    },
    savePerson: (person) => {
      const before = store.findPerson(person.id);
      store.savePerson(person);
      if (before !== undefined && before.scopes.join() !== person.scopes.join()) onChanged();
    },
  };
}
