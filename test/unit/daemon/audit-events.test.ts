import { describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../../internal/audit/ports.ts';
import { recordLoginFirst, recordsOrNothing } from '../../../internal/daemon/audit-events.ts';
import { AppError } from '../../../internal/fault/app-error.ts';
import { createManualClock } from '../../support/manual-clock.ts';

describe('no record, no service', () => {
  it('a login is on record before its tokens are stored, or they are not', async () => {
    const events: AuditEvent[] = [];
    const audit = { append: (event: AuditEvent) => void events.push(event), flush: () => Promise.reject(new AppError('audit_unavailable')) };
    await expect(recordLoginFirst({ audit, clock: createManualClock() }, 'claude')).rejects.toThrow(AppError);
    expect(events).toMatchObject([{ action: 'login.storing', target: 'claude', outcome: 'asked' }]);
  });

  it('exchanges are refused only where it is asked for and rows cannot be stored', () => {
    const codes = [[true, true], [true, false], [false, false]].map(([isClosed = false, isStoring = false]) => recordsOrNothing({ isClosed: () => isClosed, isStoring: () => isStoring })()?.code);
    expect(codes).toEqual([undefined, 'audit_unavailable', undefined]);
  });
});
