import { describe, expect, it } from 'vitest';
import { createAuditLog, type RunningAuditLog } from '../../../internal/audit/audit-log.ts';
import type { AuditEvent } from '../../../internal/audit/ports.ts';
import type { AuditStore } from '../../../internal/audit/store.ts';
import { AppError } from '../../../internal/fault/app-error.ts';
import { silentLogger } from '../../../internal/log/logger.ts';
import { createMemoryAuditStore } from '../../../internal/storage/memory/audit-store.ts';
import { createManualClock, type ManualClock } from '../../support/manual-clock.ts';

interface Setup {
  readonly clock: ManualClock;
  readonly store: AuditStore;
  readonly audit: RunningAuditLog;
  readonly lost: () => number;
  readonly breakStore: (broken: boolean) => void;
  readonly event: (change?: Partial<AuditEvent>) => AuditEvent;
  readonly refusal: (from?: string, code?: string) => AuditEvent;
}

function setUp(maxQueuedEvents = 100): Setup {
  const clock = createManualClock();
  const memory = createMemoryAuditStore();
  const state = { lost: 0, broken: false };
  const store: AuditStore = {
    ...memory,
    append: (events) => {
      if (state.broken) throw new Error('database or disk is full');
      return memory.append(events);
    },
  };
  const audit = createAuditLog({ store, clock, log: silentLogger, maxQueuedEvents, onLost: (events) => void (state.lost += events) });
  const event = (change: Partial<AuditEvent> = {}): AuditEvent => ({ atMs: clock.nowMs(), action: 'config.changed', actor: 'root', from: '127.0.0.1', requestId: 'req_1', target: 'ws-auth', code: '', ...change });
  return {
    clock,
    store,
    audit,
    lost: () => state.lost,
    breakStore: (broken) => void (state.broken = broken),
    event,
    refusal: (from = '192.0.2.1', code = 'invalid_api_key') => event({ action: 'door.refused', actor: 'anonymous', from, code, target: '/v1/models' }),
  };
}

const stored = (store: AuditStore): readonly AuditEvent[] => store.list({ limit: 1_000 });

describe('audit log', () => {
  it('stores an event within a second without being asked', () => {
    const { clock, store, audit, event } = setUp();
    audit.append(event());
    expect(stored(store)).toHaveLength(0);
    clock.advance(1_000);
    expect(stored(store)).toMatchObject([{ ...event({ atMs: clock.nowMs() - 1_000 }), outcome: 'ok' }]);
  });

  it('lists what was just appended', () => {
    const { audit, event } = setUp();
    audit.append(event({ target: 'first' }));
    audit.append(event({ target: 'second' }));
    expect(audit.list({ limit: 10 }).map((row) => row.target)).toEqual(['second', 'first']);
    expect(audit.list({ limit: 0 })).toHaveLength(1);
  });

  it('a flood of refusals from one peer is one row at once and one more when its minute is over, with their number', () => {
    const { clock, store, audit, refusal } = setUp();
    for (let n = 0; n < 5_000; n += 1) audit.append(refusal());
    clock.advance(1_000);
    expect(stored(store)).toMatchObject([{ outcome: 'refused' }]);
    audit.append({ ...refusal(), requestId: 'req_last' });
    clock.advance(60_000);
    expect(stored(store)).toMatchObject([{ count: 5_000, requestId: 'req_last' }, { requestId: 'req_1' }]);
    audit.append(refusal());
    clock.advance(1_000);
    expect(stored(store).map((row) => row.count ?? 1)).toEqual([1, 5_000, 1]);
    clock.advance(120_000);
    expect(stored(store)).toHaveLength(3);
  });

  it('a row that was stored is never changed', () => {
    const { clock, store, audit, refusal } = setUp();
    audit.append(refusal());
    clock.advance(1_000);
    const before = stored(store).at(-1);
    for (let n = 0; n < 10; n += 1) audit.append(refusal());
    clock.advance(120_000);
    expect(stored(store).at(-1)).toEqual(before);
  });

  it('counts up to the last moment of a minute, and what runs at the end', async () => {
    const { clock, store, audit, refusal } = setUp();
    audit.append(refusal());
    clock.advance(59_900);
    audit.append(refusal());
    audit.append(refusal());
    audit.append({ ...refusal(), atMs: clock.nowMs() + 100 });
    audit.append({ ...refusal(), atMs: clock.nowMs() + 101 });
    await audit.close();
    expect(stored(store).map((row) => row.count ?? 1)).toEqual([1, 1, 2, 1]);
  });

  it('other peers and other codes have their own rows, and changes are never folded', async () => {
    const { store, audit, refusal, event } = setUp();
    for (const each of [refusal(), refusal('192.0.2.2'), refusal('192.0.2.1', 'missing_api_key'), { ...refusal(), actor: 'key_1' }, event(), event()]) audit.append(each);
    await audit.flush();
    expect(stored(store)).toHaveLength(6);
  });

  it('a flood from many addresses takes a bounded number of rows', async () => {
    const { store, audit, refusal } = setUp(10_000);
    for (let n = 0; n < 2_000; n += 1) audit.append(refusal(`2001:db8::${n.toString(16)}`));
    await audit.close();
    expect(stored(store).length).toBeLessThanOrEqual(258);
    expect(stored(store).reduce((sum, row) => sum + (row.count ?? 1), 0)).toBe(2_000);
    expect(stored(store).filter((row) => row.from === '(many)').map((row) => row.count ?? 1)).toEqual([2_000 - 257, 1]);
  });

  it('keeps events while the store fails, counts those beyond the cap as lost, and says so to who waits', async () => {
    const { store, audit, lost, breakStore, event } = setUp(3);
    breakStore(true);
    for (let n = 0; n < 5; n += 1) audit.append(event({ target: String(n) }));
    await expect(audit.flush()).rejects.toThrow(AppError);
    expect(lost()).toBe(2);
    breakStore(false);
    await audit.flush();
    expect(stored(store).map((row) => row.target)).toEqual(['2', '1', '0']);
  });

  it('an event that was lost is not called durable, although the store is well again', async () => {
    const { audit, breakStore, event } = setUp(1);
    breakStore(true);
    audit.append(event());
    audit.append(event({ target: 'lost' }));
    breakStore(false);
    await expect(audit.flush()).rejects.toThrow(AppError);
    await audit.flush();
  });

  it('closing stores the rest', async () => {
    const { store, audit, event } = setUp();
    audit.append(event());
    await audit.close();
    expect(stored(store)).toHaveLength(1);
  });
});
