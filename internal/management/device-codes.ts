import type { Context } from 'hono';
import type { ApprovalCodes } from '../authserver/people/approval-codes.ts';
import type { DeviceApprovals, PendingDevice } from '../authserver/people/ports.ts';
import { givableScopes, localPerson } from '../clients/issued/person.ts';
import { AppError } from '../fault/app-error.ts';
import { answerJson } from './answer.ts';
import { recordEvent } from './audit-trail.ts';
import { readJsonObject } from './body.ts';
import { invalid, readText } from './client-key-body.ts';
import { at } from './client-key-view.ts';
import type { ManagementCall, ManagementDeps, ManagementRoute } from './context.ts';
import { identityOf } from './oauth-clients.ts';
import type { JsonObject } from './values.ts';

/** Approving logins as the holder of the management secret, `keyward approve`: by a one-time code for the page, or here and now. */
export function deviceCodeRoutes(deps: ManagementDeps): readonly ManagementRoute[] {
  return [
    { method: 'POST', path: '/approval-codes', scope: 'root', handle: (c, call) => issueCode(deps, c, call) },
    { method: 'GET', path: '/device-codes/:user_code', scope: 'root', handle: async (_, call) => answerJson(describe(await find(deps, call))) },
    { method: 'POST', path: '/device-codes/:user_code/approve', scope: 'root', handle: (c, call) => approve(deps, c, call) },
    { method: 'POST', path: '/device-codes/:user_code/deny', scope: 'root', handle: (_, call) => deny(deps, call) },
  ];
}

async function issueCode(deps: ManagementDeps, c: Context, call: ManagementCall): Promise<Response> {
  const { approvalCodes } = identityOf(deps);
  const name = readText(await readJsonObject(c.req.raw, ['name'], { mayBeEmpty: true }), 'name') ?? 'operator';
  if (name === '') throw invalid('name', 'must not be empty');
  const { code, expiresAtMs } = issueFor(approvalCodes, name);
  recordEvent(deps, call, { action: 'approval-code.issued', target: name });
  return answerJson({ code, name, expires_at: at(expiresAtMs) }, {}, 201);
}

function issueFor(approvalCodes: ApprovalCodes, name: string): ReturnType<ApprovalCodes['issue']> {
  try {
    return approvalCodes.issue(name);
  } catch (thrown) {
    if (thrown instanceof RangeError) throw invalid('name', 'must be a name of 1 to 128 characters');
    throw thrown;
  }
}

async function find(deps: ManagementDeps, call: ManagementCall): Promise<PendingDevice> {
  const device = await identityOf(deps).devices.find(call.params['user_code'] ?? '');
  if (device === undefined || device.expiresAtMs <= deps.clock.nowMs()) throw gone();
  return device;
}

function gone(): AppError {
  return new AppError('item_not_found', { message: 'No login waits under this code: it is mistyped, was decided about already, or has expired. Start the login again for a new one.' });
}

function describe({ clientId, clientName, scopes, requestedFrom, userAgent, requestedAtMs, expiresAtMs }: PendingDevice): JsonObject {
  return { client_id: clientId, client_name: clientName, scopes, requested_from: requestedFrom, user_agent: userAgent ?? '', requested_at: at(requestedAtMs), expires_at: at(expiresAtMs) };
}

async function approve(deps: ManagementDeps, c: Context, call: ManagementCall): Promise<Response> {
  const { devices, sessions } = identityOf(deps);
  const name = readText(await readJsonObject(c.req.raw, ['name'], { mayBeEmpty: true }), 'name') ?? 'operator';
  const device = await find(deps, call);
  const person = localPerson(name, deps.clock.nowMs());
  const scopes = givableScopes.filter((scope) => device.scopes.includes(scope));
  sessions.savePerson(person);
  await decide(devices.approve(call.params['user_code'] ?? '', person, scopes));
  recordEvent(deps, call, { action: 'login.approved', target: person.id, after: { ...describe(device), person: { id: person.id, label: person.label } } });
  return answerJson({ status: 'ok', person: { id: person.id, label: person.label }, scopes });
}

async function deny(deps: ManagementDeps, call: ManagementCall): Promise<Response> {
  const { devices } = identityOf(deps);
  const device = await find(deps, call);
  await decide(devices.deny(call.params['user_code'] ?? ''));
  recordEvent(deps, call, { action: 'login.denied', target: device.clientId, after: describe(device) });
  return answerJson({ status: 'ok' });
}

async function decide(decision: ReturnType<DeviceApprovals['deny']>): Promise<void> {
  if ((await decision) === 'gone') throw gone();
}
