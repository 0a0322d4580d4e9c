import { describe, expect, it } from 'vitest';
import { createPageSessions, noteDecided, type PageSessions } from '../../../../internal/authserver/people/page-session.ts';
import { localPerson } from '../../../../internal/clients/issued/person.ts';
import { createSeals } from '../../../../internal/authserver/people/sealed.ts';
import { createManualClock, type ManualClock } from '../../../support/manual-clock.ts';

const ann = localPerson('ann', 0);
const world = (isSecure = false): { readonly clock: ManualClock; readonly sessions: PageSessions } => {
  const clock = createManualClock();
  return { clock, sessions: createPageSessions({ clock, seals: createSeals(), isSecure }) };
};
const pairOf = (line: string | undefined): string => line?.split(';')[0] ?? '';

describe('the cookie', () => {
  it('is HttpOnly, Lax, for the whole host, for 15 minutes; over https also Secure, by a name that no neighbour can set', () => {
    const [name, ...rest] = (world().sessions.visit(undefined).setCookie ?? '').split('; ');
    expect(name).toMatch(/^keyward_session=[\w-]{22}\.[0-9a-z]+\.[\w-]{43}$/);
    expect(rest).toEqual(['Path=/', 'Max-Age=900', 'HttpOnly', 'SameSite=Lax']);
    const [secureName, ...secureRest] = (world(true).sessions.visit(undefined).setCookie ?? '').split('; ');
    expect(secureName).toMatch(/^__Host-keyward_session=/);
    expect(secureRest).toEqual(['Path=/', 'Max-Age=900', 'HttpOnly', 'SameSite=Lax', 'Secure']);
  });

  it('that was not signed here is none', () => {
    const { sessions } = world();
    const good = pairOf(sessions.visit(undefined).setCookie);
    expect(sessions.visit(good).setCookie).toBeUndefined();
    const [id = '', born = '', signature = ''] = good.split('=')[1]?.split('.') ?? [];
    const bad = [`keyward_session=chosen.${born}.${signature}`, `keyward_session=${id}.${born}x.${signature}`, `keyward_session=${id}.${born}`, `keyward_session=${id}.${born}.`, 'keyward_session=', `keyward_session=${id}.${born}.${signature}.x`, pairOf(world().sessions.visit(undefined).setCookie)];
    for (const header of bad) expect(sessions.visit(header).setCookie, header).toBeDefined();
  });

  it('twice is none: one of both was planted', () => {
    const { sessions } = world();
    const entered = sessions.signIn(sessions.visit(undefined), ann);
    const own = pairOf(entered.setCookie);
    expect(sessions.visit(`a=b; ${own}; c=d`).signedIn?.person.id).toBe(ann.id);
    expect(sessions.visit(`${own}; ${pairOf(sessions.visit(undefined).setCookie)}`).signedIn).toBeUndefined();
    expect(sessions.visit([own, own]).signedIn).toBeUndefined();
  });

  it('a secure daemon takes no cookie by the plain name', () => {
    const { sessions } = world(true);
    const own = pairOf(sessions.visit(undefined).setCookie);
    expect(sessions.visit(own).setCookie).toBeUndefined();
    expect(sessions.visit(own.replace('__Host-', '')).setCookie).toBeDefined();
  });
});

describe('a sign-in', () => {
  it('gets a new id: a cookie from before, whoever put it there, stays nobody’s', () => {
    const { sessions } = world();
    const before = sessions.visit(undefined);
    const entered = sessions.signIn(before, ann);
    expect(entered.id).not.toBe(before.id);
    expect(sessions.visit(pairOf(before.setCookie)).signedIn).toBeUndefined();
    expect(sessions.visit(pairOf(entered.setCookie)).signedIn?.person.id).toBe(ann.id);
  });

  it('again ends the one before', () => {
    const { sessions } = world();
    const first = sessions.signIn(sessions.visit(undefined), ann);
    sessions.signIn(first, localPerson('bob', 0));
    expect(sessions.visit(pairOf(first.setCookie)).signedIn).toBeUndefined();
    expect(sessions.size()).toBe(1);
  });

  it('lasts 15 minutes, however often it is used; the cookie may be renewed, the sign-in is not', () => {
    const { sessions, clock } = world();
    let cookie = pairOf(sessions.signIn(sessions.visit(undefined), ann).setCookie);
    for (let minute = 0; minute < 14; minute++) {
      clock.advance(60_000);
      const visit = sessions.visit(cookie);
      expect(visit.signedIn).toBeDefined();
      cookie = visit.setCookie === undefined ? cookie : pairOf(visit.setCookie);
    }
    clock.advance(60_000);
    const visit = sessions.visit(cookie);
    expect(visit.signedIn).toBeUndefined();
    expect(sessions.size()).toBe(0);
  });

  it('ends by signing out', () => {
    const { sessions } = world();
    const entered = sessions.signIn(sessions.visit(undefined), ann);
    const left = sessions.signOut(entered);
    expect(left.id).not.toBe(entered.id);
    expect(sessions.visit(pairOf(entered.setCookie)).signedIn).toBeUndefined();
  });

  it('strangers fill no table: only those who have signed in take a row, and at most 5,000', () => {
    const { sessions } = world();
    for (let count = 0; count < 2_000; count++) sessions.visit(undefined);
    expect(sessions.size()).toBe(0);
    for (let count = 0; count < 5_100; count++) sessions.signIn(sessions.visit(undefined), ann);
    expect(sessions.size()).toBe(5_000);
  });

  it('remembers a bounded number of decisions', () => {
    const { sessions } = world();
    const { signedIn } = sessions.signIn(sessions.visit(undefined), ann);
    if (signedIn === undefined) throw new Error('nobody');
    for (let count = 0; count < 100; count++) noteDecided(signedIn, `code ${count}`, 'approved');
    expect(signedIn.decided.size).toBe(32);
    expect(signedIn.decided.has('code 99')).toBe(true);
  });
});

describe('the token of a form', () => {
  it('is good for this browser, and for what it was made for', () => {
    const { sessions } = world();
    const [mine, other] = [sessions.visit(undefined), sessions.visit(undefined)];
    const token = sessions.formToken(mine, 'decide A');
    expect(sessions.isFormToken(mine, 'decide A', token)).toBe(true);
    expect(sessions.isFormToken(mine, 'decide B', token)).toBe(false);
    expect(sessions.isFormToken(other, 'decide A', token)).toBe(false);
    for (const wrong of ['', token.slice(1), `${token}x`, 'ü'.repeat(43)]) expect(sessions.isFormToken(mine, 'decide A', wrong)).toBe(false);
  });

  it('from before signing in is not good after it', () => {
    const { sessions } = world();
    const before = sessions.visit(undefined);
    const token = sessions.formToken(before, 'decide A');
    expect(sessions.isFormToken(sessions.signIn(before, ann), 'decide A', token)).toBe(false);
  });
});

describe('seals', () => {
  it('open what was sealed with the same secret, and nothing else', () => {
    const seals = createSeals();
    const sealed = seals.seal({ a: 'BCDFGHJK' });
    expect(seals.open(sealed)).toEqual({ a: 'BCDFGHJK' });
    expect(sealed).not.toContain('BCDF');
    expect(createSeals().open(sealed)).toBeUndefined();
    for (let at = 0; at < sealed.length; at += 7) expect(seals.open(`${sealed.slice(0, at)}${sealed[at] === 'A' ? 'B' : 'A'}${sealed.slice(at + 1)}`)).toBeUndefined();
    for (const text of ['', 'x', 'x'.repeat(5_000), `${sealed}=`, sealed.slice(0, 30), 'ü']) expect(seals.open(text)).toBeUndefined();
  });

  it('parts that are signed do not run into one another', () => {
    const seals = createSeals();
    expect(seals.isSignedBy(seals.sign('a', 'b'), 'a', 'b')).toBe(true);
    expect(seals.isSignedBy(seals.sign('a', 'b'), 'ab')).toBe(false);
    expect(seals.sign('a","b')).not.toBe(seals.sign('a', 'b'));
  });
});
