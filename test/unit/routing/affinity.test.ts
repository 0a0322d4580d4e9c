import { describe, expect, it } from 'vitest';
import type { AttemptOutcome, RouteQuery, RoutingTable } from '../../../internal/routing/ports.ts';
import { candidateKey, createRouter } from '../../../internal/routing/router.ts';
import { tableOf } from '../../support/config.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { entry, failed, neutral, none, query, setUp, success, times, type Routing } from './fixture.ts';

const minuteMs = 60_000;
const on = { routing: { 'session-affinity': true } };
const inSession = (digest: string, more: Partial<RouteQuery> = {}): RouteQuery => ({ ...query, session: { digest, source: 'header session-id' }, ...more });
const sessionOf = ({ take }: Pick<Routing, 'take'>, digest: string) => (outcome: AttemptOutcome = success): string => take(outcome, inSession(digest));

describe('a session', () => {
  it('stays with the account that served it, while requests without one take turns', () => {
    const routing = setUp([entry('a'), entry('b'), entry('c')], on);
    const session = sessionOf(routing, 's');
    expect(session()).toBe('a');
    expect([routing.take(), session(), routing.take(), session(), routing.take(), session()]).toEqual(['b', 'a', 'c', 'a', 'a', 'a']);
  });

  it.each(['round-robin', 'weighted-round-robin', 'fill-first', 'least-busy'])('stays under %s, new ones are spread as it says', (strategy) => {
    const routing = setUp([entry('a'), entry('b')], { routing: { strategy, 'session-affinity': true } });
    const first = sessionOf(routing, 's1')();
    const others = Array.from({ length: 6 }, (_, index) => sessionOf(routing, `n${index}`)());
    expect(times(5, () => sessionOf(routing, 's1')())).toEqual(Array.from({ length: 5 }, () => first));
    expect(new Set(others)).toEqual(new Set(strategy === 'fill-first' ? ['a'] : ['a', 'b']));
  });

  it('stays though an account of higher priority is there', () => {
    const routing = setUp([entry('high', { priority: 9 }), entry('low')], on);
    const session = sessionOf(routing, 's');
    expect([session(failed(503)), session()]).toEqual(['high', 'low']);
    routing.clock.advance(minuteMs);
    expect([session(), routing.take(), session()]).toEqual(['low', 'high', 'low']);
  });

  it('leaves an account that cools, and stays where it then is', () => {
    const routing = setUp([entry('a'), entry('b')], on);
    const session = sessionOf(routing, 's');
    expect([session(), session(failed(429, 10_000)), session()]).toEqual(['a', 'a', 'b']);
    routing.clock.advance(11_000);
    expect(times(3, session)).toEqual(['b', 'b', 'b']);
  });

  it('leaves within the request whose attempt failed', () => {
    const { router, table } = setUp([entry('a'), entry('b')], on);
    const asked = inSession('s');
    const pick = (tried: ReadonlySet<string>) => {
      const picked = router.pick(table, asked, tried);
      if (!picked.ok) throw picked.error;
      return picked.value;
    };
    router.settle(pick(none), asked, success);
    const broken = pick(none);
    expect(broken.account.label).toBe('a');
    router.settle(broken, asked, neutral);
    expect(pick(new Set([candidateKey(broken)])).account.label).toBe('b');
  });

  it('whose account is due for its trial makes it', () => {
    const routing = setUp([entry('a'), entry('b')], on);
    const session = sessionOf(routing, 's');
    session();
    routing.take();
    routing.take(failed(429, 10_000));
    routing.clock.advance(10_000);
    const trial = routing.begin(inSession('s'));
    expect(trial.account.label).toBe('a');
    expect(routing.begin(inSession('s')).account.label).toBe('b');
    routing.end(trial, success, inSession('s'));
    expect(session()).toBe('a');
  });

  it('is not taken back by an attempt that began before it moved', () => {
    const routing = setUp([entry('a'), entry('b')], on);
    const slow = routing.begin(inSession('s'));
    const quick = routing.begin(inSession('s'));
    routing.end(quick, success, inSession('s'));
    routing.end(slow, success, inSession('s'));
    expect(sessionOf(routing, 's')()).toBe(quick.account.label);
  });

  it('is bound by a success alone', () => {
    const routing = setUp([entry('a'), entry('b')], on);
    const session = sessionOf(routing, 's');
    expect([session(neutral), session(neutral), session()]).toEqual(['a', 'b', 'a']);
  });

  it('is bound for each model apart, to the upstream model of a pool as well', () => {
    const pool = { models: [{ name: 'x', alias: 'm' }, { name: 'y', alias: 'm' }, { name: 'n' }] };
    const { router, table } = setUp([entry('a', pool), entry('b', pool)], on);
    const serve = (model: string): string => {
      const asked = inSession('s', { model });
      const picked = router.pick(table, asked, none);
      if (!picked.ok) throw picked.error;
      router.settle(picked.value, asked, success);
      return `${picked.value.account.label}:${picked.value.upstreamModel}`;
    };
    const [first, other] = [serve('m'), serve('n')];
    expect(times(4, () => serve('m'))).toEqual([first, first, first, first]);
    expect(times(2, () => serve('n'))).toEqual([other, other]);
  });

  it('goes on in another dialect with the same account', () => {
    const routing = setUp([entry('a'), entry('b')], on);
    sessionOf(routing, 's')();
    routing.take();
    expect(times(2, () => routing.take(success, inSession('s', { dialect: 'anthropic-messages', operation: 'messages' })))).toEqual(['a', 'a']);
  });

  it('follows an exchange that chose its account by itself', () => {
    const routing = setUp([entry('a'), entry('b')], on);
    sessionOf(routing, 's')();
    const [, b] = routing.table.candidatesFor('m');
    routing.router.settle(b ?? expect.fail('no candidate'), inSession('s'), success);
    expect(sessionOf(routing, 's')()).toBe('b');
  });
});

describe('how long', () => {
  it('a session stays bound as long as it is used within the time, and is free afterwards', () => {
    const routing = setUp([entry('a'), entry('b')], { routing: { 'session-affinity': true, 'session-affinity-ttl': '10m' } });
    const session = sessionOf(routing, 's');
    session();
    for (let i = 0; i < 5; i++) {
      routing.clock.advance(9 * minuteMs);
      expect(session()).toBe('a');
    }
    routing.clock.advance(10 * minuteMs);
    expect(session()).toBe('b');
  });

  it('nothing is bound while it is off, nor after it was on', () => {
    const clock = createManualClock();
    const router = createRouter(clock);
    const given = { 'openai-compatibility': [entry('a'), entry('b')] };
    const take = (table: RoutingTable): string => {
      const picked = router.pick(table, inSession('s'), none);
      if (!picked.ok) throw picked.error;
      router.settle(picked.value, inSession('s'), success);
      return picked.value.account.label;
    };
    const [bound, off] = [tableOf({ ...given, ...on }), tableOf(given)];
    expect(times(3, () => take(bound))).toEqual(['a', 'a', 'a']);
    expect(times(2, () => take(off)).toSorted()).toEqual(['a', 'b']);
    expect(router.explain(tableOf({ ...given, ...on }), { model: 'm' }).affinity.boundSessions).toBe(0);
  });

  it('sessions without number push out the longest unused and no more', () => {
    const routing = setUp([entry('a'), entry('b')], on);
    sessionOf(routing, 'old')();
    for (let i = 0; i < 10_050; i++) {
      sessionOf(routing, `s${i}`)();
      if (i % 5_000 === 0) sessionOf(routing, 'kept')();
    }
    expect(routing.router.explain(routing.table, { model: 'm' }).affinity.boundSessions).toBe(10_000);
    const before = sessionOf(routing, 'kept')();
    routing.take();
    expect(sessionOf(routing, 'kept')()).toBe(before);
  });
});

describe('over reloads', () => {
  const rig = () => {
    const router = createRouter(createManualClock());
    const take = (table: RoutingTable): string => {
      const picked = router.pick(table, inSession('s'), none);
      if (!picked.ok) throw picked.error;
      router.settle(picked.value, inSession('s'), success);
      return picked.value.account.label;
    };
    return { router, take };
  };
  const tableWith = (...names: readonly string[]): RoutingTable => tableOf({ 'openai-compatibility': names.map((name) => entry(name)), ...on });

  it('a session stays bound as long as its account is there', () => {
    const { take } = rig();
    expect([take(tableWith('a', 'b')), take(tableWith('b', 'a')), take(tableWith('c', 'a'))]).toEqual(['a', 'a', 'a']);
  });

  it('sessions of an account that left are forgotten, though it comes back', () => {
    const { router, take } = rig();
    take(tableWith('a', 'b'));
    expect(router.explain(tableWith('b'), { model: 'm' }).affinity.boundSessions).toBe(0);
    expect(router.explain(tableWith('a', 'b'), { model: 'm' }).affinity.boundSessions).toBe(0);
  });
});

describe('no account is left without work', () => {
  it('new sessions come to an account that recovered or is new, though all old ones stay where they are', () => {
    const routing = setUp([entry('a'), entry('b')], on);
    routing.take(failed(429, minuteMs));
    const old = Array.from({ length: 20 }, (_, index) => sessionOf(routing, `old-${index}`)());
    expect(new Set(old)).toEqual(new Set(['b']));
    routing.clock.advance(minuteMs);
    const fresh = Array.from({ length: 20 }, (_, index) => sessionOf(routing, `new-${index}`)());
    expect(fresh.filter((label) => label === 'a').length).toBe(10);
  });

  /** Both sessions come to `b` while `a` cools. */
  const bothAtB = (strategy = 'round-robin', priorityOfA = 0) => {
    const routing = setUp([entry('a', { priority: priorityOfA }), entry('b')], { routing: { strategy, 'session-affinity': true } });
    routing.take(failed(429, minuteMs));
    const [first, second] = [sessionOf(routing, 's1'), sessionOf(routing, 's2')];
    expect([first(), second()]).toEqual(['b', 'b']);
    return { ...routing, first, second };
  };

  it.each([0, 5])('of two sessions at one account one moves to an account (priority %i) that had nothing to do for ten minutes, and stays there', (priority) => {
    const { clock, first, second } = bothAtB('round-robin', priority);
    const turns: string[] = [];
    for (let minute = 0; minute < 60; minute++) {
      clock.advance(minuteMs);
      turns.push(`${first()}${second()}`);
    }
    expect(turns.slice(0, 9)).toEqual(Array.from({ length: 9 }, () => 'bb'));
    expect(turns.slice(9)).toEqual(Array.from({ length: 51 }, () => 'ab'));
  });

  it.each([['fill-first', 0], ['round-robin', -1]])('they stay where the operator wants the other account idle (%s, priority %i)', (strategy, priority) => {
    const routing = setUp([entry('b'), entry('a', { priority })], { routing: { strategy, 'session-affinity': true } });
    const sessions = [sessionOf(routing, 's1'), sessionOf(routing, 's2')];
    for (let minute = 0; minute < 40; minute++) {
      routing.clock.advance(minuteMs);
      expect(sessions.map((session) => session())).toEqual(['b', 'b']);
    }
  });

  it('a session that is alone with its account never moves, however long others idle', () => {
    const routing = setUp([entry('a'), entry('b'), entry('c')], on);
    const session = sessionOf(routing, 's');
    for (let minute = 0; minute < 120; minute++) {
      expect(session()).toBe('a');
      routing.clock.advance(minuteMs);
    }
  });

  it('a session that moved to an account which fails it goes on where it was', () => {
    const { clock, first, second, take } = bothAtB();
    for (let minute = 0; minute < 9; minute++) {
      clock.advance(minuteMs);
      first();
      second();
    }
    clock.advance(minuteMs);
    expect(first(failed(503))).toBe('a');
    expect([first(), second(), take()]).toEqual(['b', 'b', 'b']);
  });
});

describe('what is told', () => {
  it('explain counts the bound sessions of the model, by account', () => {
    const routing = setUp([entry('a'), entry('b')], on);
    for (const digest of ['s1', 's2', 's3']) sessionOf(routing, digest)();
    const { affinity, candidates } = routing.router.explain(routing.table, { model: 'm' });
    expect(affinity).toEqual({ ttlMs: 60 * minuteMs, boundSessions: 3 });
    expect(Object.fromEntries(candidates.map(({ label, boundSessions }) => [label, boundSessions]))).toEqual({ a: 2, b: 1 });
  });

  it('the debug log says where the mark was found, once a binding, and nothing of it', () => {
    const lines: object[] = [];
    const note = (fields: object | string): void => void (typeof fields === 'object' && lines.push(fields));
    const log = { trace: note, debug: note, info: note, warn: note, error: note, isLevelEnabled: () => true, child: () => log };
    const router = createRouter(createManualClock(), log);
    const table = tableOf({ 'openai-compatibility': [entry('a')], ...on });
    for (let i = 0; i < 3; i++) {
      const picked = router.pick(table, inSession('the-digest'), none);
      if (picked.ok) router.settle(picked.value, inSession('the-digest'), success);
    }
    expect(lines).toEqual([{ account: 'a', model: 'm', mark: 'header session-id', isMoved: false }]);
  });
});
