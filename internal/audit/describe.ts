import type { AuditRecord } from './ports.ts';
import { describeFinding } from './findings.ts';
import type { AuditReport } from './verify.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A record as answers and exports have it. */
export function describeRecord({ id, atMs, action, outcome, actor, actorLabel, from, requestId, target, code, count, before, after }: AuditRecord): Fields {
  return {
    id,
    at: new Date(atMs).toISOString(),
    action,
    outcome,
    actor,
    actor_label: actorLabel,
    from,
    target,
    code,
    request_id: requestId,
    ...(count === undefined ? {} : { count }),
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  };
}

/** A report as `--json` prints it. */
export function describeReport({ intact, keyId, rows, firstId, lastId, cutId, checkpointId, findings, omitted }: AuditReport): Fields {
  return {
    intact,
    key_id: keyId,
    rows,
    first_id: firstId ?? null,
    last_id: lastId ?? null,
    cut_id: cutId,
    checkpoint_id: checkpointId,
    findings: findings.map((finding) => {
      const sentence = describeFinding(finding);
      switch (finding.kind) {
        case 'missing':
          return { kind: finding.kind, from_id: finding.fromId, to_id: finding.toId, sentence };
        case 'restarted':
          return { kind: finding.kind, id: finding.id, from_id: finding.fromId, at: new Date(finding.atMs).toISOString(), sentence };
        case 'seal':
          return { kind: finding.kind, seal: finding.seal, fault: finding.fault, sentence };
        case 'moved':
          return { kind: finding.kind, id: finding.id, was_id: finding.wasId, sentence };
        case 'edited':
        case 'inserted':
        case 'relinked':
          return { kind: finding.kind, id: finding.id, sentence };
      }
    }),
    omitted,
  };
}
