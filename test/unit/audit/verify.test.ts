import { assert, constantFrom, integer, property, uniqueArray } from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toRow } from '../../../internal/audit/row.ts';
import { auditEvent, createAuditRig } from '../../support/audit-rig.ts';

const rig = createAuditRig();
const rows = 40;
beforeAll(async () => {
  await rig.append(rows);
  rig.save();
});
afterAll(rig.remove);

const anyId = integer({ min: 1, max: rows });
const columns = ['at_ms', 'action', 'actor', 'actor_label', 'peer', 'request_id', 'target', 'code', 'outcome', 'count', 'before_json', 'after_json', 'previous', 'mac'] as const;

describe('a chain that nobody touched', () => {
  it('is intact', () => {
    rig.restore();
    expect(rig.verify()).toMatchObject({ intact: true, rows, firstId: 1, lastId: rows, cutId: 0, checkpointId: rows, findings: [], omitted: 0 });
  });

  it('stays intact over starts', async () => {
    rig.restore();
    await rig.append(3);
    await rig.append(2);
    expect(rig.verify()).toMatchObject({ intact: true, rows: rows + 5 });
  });
});

describe('a chain that a daemon writes to', () => {
  it('is intact at any moment', async () => {
    rig.restore();
    await rig.run((store) => {
      for (let n = 1; n <= 20; n += 1) {
        store.append([toRow(auditEvent())]);
        expect(rig.verify()).toMatchObject({ intact: true, rows: rows + n });
      }
    });
  });
});

describe('whatever is done to the rows is named', () => {
  it('any column of any row that is edited: that row, and no other', () => {
    assert(
      property(anyId, constantFrom(...columns), (id, column) => {
        rig.restore();
        rig.tamper((database) => database.prepare(`UPDATE audit_event SET ${column} = ${column === 'at_ms' || column === 'count' ? `${column} + 1` : `coalesce(${column}, '') || 'x'`} WHERE id = ?`).run(id));
        expect(rig.verify()).toMatchObject({ intact: false, findings: [{ kind: 'edited', id }] });
      }),
      { numRuns: 40 },
    );
  });

  it('any rows that are dropped, the last ones included', () => {
    assert(
      property(uniqueArray(anyId, { minLength: 1, maxLength: 8 }), (ids) => {
        rig.restore();
        rig.tamper((database) => ids.forEach((id) => database.prepare('DELETE FROM audit_event WHERE id = ?').run(id)));
        const named = rig.verify().findings.flatMap((finding) => (finding.kind === 'missing' ? Array.from({ length: finding.toId - finding.fromId + 1 }, (_, index) => finding.fromId + index) : [-1]));
        expect(named).toEqual(ids.toSorted((a, b) => a - b));
      }),
      { numRuns: 30 },
    );
  });

  it('any two rows that change places, with what each of them was', () => {
    assert(
      property(uniqueArray(anyId, { minLength: 2, maxLength: 2 }), ([a = 0, b = 0]) => {
        rig.restore();
        rig.tamper((database) => {
          const move = database.prepare('UPDATE audit_event SET id = ? WHERE id = ?');
          move.run(-1, a);
          move.run(a, b);
          move.run(b, -1);
        });
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        expect(rig.verify().findings).toMatchObject([{ kind: 'moved', id: low, wasId: high }, { kind: 'moved', id: high, wasId: low }]);
      }),
      { numRuns: 30 },
    );
  });

  it('a row that is put in the place of a dropped one, before all, or behind all', () => {
    assert(
      property(anyId, constantFrom(0, 1, rows + 1, rows + 7), (id, place) => {
        rig.restore();
        const copy = 'SELECT ?, at_ms, action, actor, actor_label, peer, request_id, target, code, outcome, count, before_json, after_json, previous, mac FROM audit_event WHERE id = ?';
        rig.tamper((database) => {
          if (place === 1) {
            database.prepare('DELETE FROM audit_event WHERE id = 1').run();
            database.prepare(`INSERT INTO audit_event ${copy}`).run(1, Math.max(2, id));
          } else database.prepare(`INSERT INTO audit_event ${copy}`).run(place, id);
        });
        const report = rig.verify();
        expect(report.intact).toBe(false);
        expect(report.findings.some((finding) => 'id' in finding && finding.id === place)).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it('rows that are edited and signed with another key', () => {
    rig.restore();
    rig.tamper((database) => database.prepare("UPDATE audit_event SET target = 'else', mac = 'AAAA', previous = (SELECT mac FROM audit_event WHERE id = 4) WHERE id = 5").run());
    expect(rig.verify().findings).toMatchObject([{ kind: 'edited', id: 5 }]);
  });

  it('all rows at once: each by its id', () => {
    rig.restore();
    rig.tamper((database) => database.execute('UPDATE audit_event SET count = count + 1'));
    expect(rig.verify().findings.flatMap((finding) => ('id' in finding ? [finding.id] : []))).toEqual(Array.from({ length: rows }, (_, index) => index + 1));
  });
});

describe('the seals', () => {
  it('a tail that is cut off together with its checkpoint contradicts the one beside the database', () => {
    rig.restore();
    rig.tamper((database) => database.execute("DELETE FROM audit_event WHERE id > 30; UPDATE audit_seal SET id = 30, mac = (SELECT mac FROM audit_event WHERE id = 30) WHERE kind = 'checkpoint'"));
    expect(rig.verify().findings).toEqual([{ kind: 'seal', seal: 'checkpoint', fault: 'forged' }, { kind: 'missing', fromId: 31, toId: rows }]);
  });

  it.each([
    ["DELETE FROM audit_seal", 'missing'],
    ["UPDATE audit_seal SET at_ms = at_ms + 1", 'forged'],
    ["UPDATE audit_seal SET key_id = '0123456789ab'", 'foreign'],
  ])('%s is named', (sql, fault) => {
    rig.restore();
    rig.tamper((database) => database.execute(sql));
    expect(rig.verify().findings).toEqual([{ kind: 'seal', seal: 'checkpoint', fault }]);
  });

  it('rows go on from the signed cut that retention leaves, and a cut that somebody else made is named', async () => {
    rig.restore();
    await rig.run((store) => expect(store.removeBefore(rig.clock.nowMs() + 11, 200)).toBe(10));
    expect(rig.verify()).toMatchObject({ intact: true, firstId: 11, cutId: 10, rows: rows - 10 });
    await rig.append(1);
    expect(rig.verify()).toMatchObject({ intact: true, rows: rows - 9 });
    rig.tamper((database) => database.execute("DELETE FROM audit_event WHERE id <= 12; UPDATE audit_seal SET id = 12 WHERE kind = 'cut'"));
    expect(rig.verify().findings).toEqual([{ kind: 'seal', seal: 'cut', fault: 'forged' }]);
    rig.tamper((database) => database.execute("DELETE FROM audit_seal WHERE kind = 'cut'"));
    expect(rig.verify().findings).toEqual([{ kind: 'missing', fromId: 1, toId: 12 }]);
  });

  it('a chain that retention emptied is intact, and goes on', async () => {
    rig.restore();
    await rig.run((store) => store.removeBefore(rig.clock.nowMs() + 1_000_000, 200));
    expect(rig.verify()).toMatchObject({ intact: true, rows: 0, cutId: rows });
    await rig.append(1);
    expect(rig.verify()).toMatchObject({ intact: true, rows: 1, firstId: rows + 1 });
  });
});

describe('the table itself', () => {
  it('takes no change of a row, no row in between, and no removal but by retention', async () => {
    rig.restore();
    await rig.append(1);
    const { openDriver } = await import('../../../internal/storage/sqlite/driver.ts');
    const database = openDriver(rig.places.database, 1_000);
    expect(() => database.execute('UPDATE audit_event SET count = 2 WHERE id = 1')).toThrow('never changed');
    expect(() => database.execute('DELETE FROM audit_event WHERE id = 1')).toThrow('by retention alone');
    expect(() => database.execute('INSERT OR REPLACE INTO audit_event SELECT * FROM audit_event WHERE id = 1')).toThrow('only appended');
    database.close();
  });
});
