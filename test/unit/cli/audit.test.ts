import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toRow } from '../../../internal/audit/row.ts';
import { runCli } from '../../../internal/cli/run.ts';
import { openAuditArchive } from '../../../internal/storage/audit-archive.ts';
import { createRestartAudit } from '../../../internal/storage/restart-audit.ts';
import { auditEvent, createAuditRig, type AuditRig } from '../../support/audit-rig.ts';
import { createFakeProcess, type FakeProcess } from './fake-process.ts';

let rig: AuditRig;
beforeEach(() => {
  rig = createAuditRig();
});
afterEach(() => rig.remove());

/** `keyward audit …` with a config whose data-dir is the rig's. */
async function audit(...argv: readonly string[]): Promise<{ readonly code: number; readonly cli: FakeProcess }> {
  const cli = createFakeProcess(['audit', ...argv]);
  mkdirSync(join(cli.home, '.keyward'));
  writeFileSync(join(cli.home, '.keyward', 'config.yaml'), `data-dir: ${rig.dataDir}\n`);
  const code = await runCli(cli, () => Promise.reject(new Error('the daemon must not start')), () => Promise.resolve(openAuditArchive), undefined, undefined, () => Promise.resolve(createRestartAudit(rig.clock)));
  return { code, cli };
}

describe('keyward audit', () => {
  it('shows events for a person, foreign text made harmless, newest first', async () => {
    await rig.run((store) => store.append([toRow(auditEvent({ target: 'older' })), toRow(auditEvent({ actor: 'key_1', actorLabel: 'Ann \u202e\u001b[2J', action: 'door.refused', code: 'invalid_api_key', count: 7 }))]));
    const { code, cli } = await audit('show');
    expect(code).toBe(0);
    expect(cli.out().split('\n')).toEqual([
      expect.stringMatching(/^ID +TIME +ACTION +OUTCOME +WHO +FROM +TARGET +CODE +TIMES$/),
      expect.stringMatching(/^2 +1970-01-01T00:00:01\.000Z +door\.refused +refused +key_1 \(Ann \\u\{202e\}\) +127\.0\.0\.1 +ws-auth +invalid_api_key +×7$/),
      expect.stringMatching(/^1 +1970-01-01T00:00:01\.000Z +config\.changed +ok +root +127\.0\.0\.1 +older$/),
      '',
    ]);
  });

  it('filters by action, actor and time', async () => {
    await rig.run((store) => store.append([toRow(auditEvent({ atMs: Date.UTC(2026, 10, 1) })), toRow(auditEvent({ atMs: Date.UTC(2026, 10, 2), actor: 'key_1' })), toRow(auditEvent({ atMs: Date.UTC(2026, 10, 3), action: 'logs.cleared' }))]));
    const ids = async (...flags: readonly string[]): Promise<readonly unknown[]> => (await audit('export', ...flags)).cli.out().split('\n').slice(0, -1).map((line) => /"id":(\d+)/.exec(line)?.[1]);
    expect(await ids()).toEqual(['1', '2', '3']);
    expect(await ids('--actor', 'key_1')).toEqual(['2']);
    expect(await ids('--action', 'logs.cleared')).toEqual(['3']);
    expect(await ids('--from', '2026-11-02', '--to', '2026-11-03')).toEqual(['2']);
    expect((await audit('show', '--action', 'none')).cli.out()).toBe('No such event is on record.\n');
    expect((await audit('show', '--from', 'noon')).code).toBe(2);
  });

  it('verifies: 0 when the chain is whole, 1 when it is not, with each place named', async () => {
    await rig.append(4);
    const whole = await audit('verify');
    expect([whole.code, whole.cli.out()]).toEqual([0, expect.stringMatching(/^4 rows, 1 to 4; key [0-9a-f]{12}; checkpoint at row 4\nThe chain is intact\.\n$/)]);
    rig.tamper((database) => database.execute("UPDATE audit_event SET action = char(27) || '[2J' WHERE id = 2; DELETE FROM audit_event WHERE id = 3"));
    const damaged = await audit('verify');
    expect([damaged.code, damaged.cli.out()]).toEqual([1, expect.stringMatching(/NOT intact:\n- row 2 \(.*\) was edited: .*\n- row 3 is missing\n$/)]);
    expect(damaged.cli.out()).not.toContain('\u001b');
    expect(JSON.parse((await audit('verify', '--json')).cli.out())).toMatchObject({ intact: false, rows: 3, findings: [{ kind: 'edited', id: 2 }, { kind: 'missing', from_id: 3, to_id: 3 }] });
  });

  it('says what is missing: the database, the key, or the right key', async () => {
    expect((await audit('show')).cli.err()).toContain('no daemon has run on this data-dir yet');
    await rig.append(1);
    writeFileSync(rig.places.auditKey, `${Buffer.alloc(32, 7).toString('base64url')}\n`);
    const foreign = await audit('verify', '--json');
    expect([foreign.code, foreign.cli.out(), foreign.cli.err()]).toEqual([1, expect.stringContaining('"intact":null'), expect.stringMatching(/made with another audit key than this one \([0-9a-f]{12}\)/)]);
    writeFileSync(rig.places.database, 'no database at all, but long enough to have a header of its own '.repeat(20));
    expect((await audit('show')).cli.err()).toContain('cannot be read (SQLITE_NOTADB)');
  });

  it('restart begins anew where the key is lost, and nowhere else; verify says so from then on', async () => {
    await rig.append(2);
    expect((await audit('restart')).cli.err()).toContain('nothing to begin anew');
    rmSync(rig.places.auditKey);
    const { code, cli } = await audit('restart', '--json');
    expect([code, JSON.parse(cli.out())]).toMatchObject([0, { status: 'ok', first_id: 3, kept: [expect.stringContaining('audit.checkpoint.before-')] }]);
    const verified = await audit('verify');
    expect([verified.code, verified.cli.out()]).toEqual([1, expect.stringContaining('- the chain was begun anew at row 3 (audit.restarted, ')]);
    expect(JSON.parse((await audit('verify', '--json')).cli.out())).toMatchObject({ intact: false, findings: [{ kind: 'restarted', id: 3, from_id: 1 }] });
  });
});
