import type { IncomingMessage, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import { scopes as allScopes, type Scope } from '../clients/grant.ts';
import type { Person } from '../clients/issued/person.ts';
import type { Sessions } from '../clients/issued/session-service.ts';
import type { ProtocolObjects } from '../clients/issued/store.ts';
import type { Clock } from '../clock/clock.ts';
import { isRecord } from '../dialect/ir/json.ts';
import type { BrowserLogins, DeviceApprovals, PendingDevice, PendingLogin } from './people/ports.ts';
import { defaultScopes } from './people/person.ts';

export interface ApprovalsDeps {
  readonly provider: () => Provider;
  readonly objects: ProtocolObjects;
  readonly sessions: Sessions;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly audience: string;
  readonly clientName: (id: string) => string | undefined;
}

export function createApprovals({ provider, objects, sessions, clock, audience, clientName }: ApprovalsDeps): { readonly devices: DeviceApprovals; readonly browsers: BrowserLogins } {
  const readDevice = (userCode: string): (PendingDevice & { readonly wishes: readonly string[] }) | undefined => {
    const found = objects.findByUserCode(normal(userCode));
    if (found === undefined || found.consumed) return undefined;
    const { payload } = found;
    const { params, deviceInfo, exp, iat, accountId, error } = payload;
    if (!isRecord(params) || typeof exp !== 'number' || typeof iat !== 'number' || accountId !== undefined || error !== undefined) return undefined;
    const clientId = textOf(params['client_id']);
    const name = clientName(clientId);
    if (name === undefined) return undefined;
    const info = isRecord(deviceInfo) ? deviceInfo : {};
    const wishes = textOf(params['scope']).split(' ');
    return { clientId, clientName: name, scopes: wished(wishes), wishes, requestedFrom: textOf(info['from']), userAgent: textOf(info['userAgent']), requestedAtMs: iat * 1_000, expiresAtMs: exp * 1_000 };
  };

  /** The library's grant and our session, under one id. */
  const begin = async (clientId: string, person: Person, scopes: readonly Scope[], wishes: readonly string[], from: string, userAgent: string): Promise<{ readonly grantId: string; readonly scope: string }> => {
    const { Grant } = provider();
    const grant = new Grant({ accountId: person.id, clientId });
    const identity = ['openid', 'profile', 'email', 'offline_access'].filter((scope) => wishes.includes(scope));
    if (identity.length > 0) grant.addOIDCScope(identity.join(' '));
    grant.addResourceScope(audience, scopes.join(' '));
    const grantId = await grant.save();
    sessions.begin({ id: grantId, person, clientId, scopes, from, userAgent });
    return { grantId, scope: [...identity, ...scopes].join(' ') };
  };

  const readBrowser = async (req: IncomingMessage, res: ServerResponse, uid: string): Promise<(PendingLogin & { readonly wishes: readonly string[] }) | undefined> => {
    try {
      const { params, uid: own } = await provider().interactionDetails(req, res);
      if (own !== uid) return undefined;
      const clientId = textOf(params['client_id']);
      const name = clientName(clientId);
      const redirect = URL.parse(textOf(params['redirect_uri']));
      if (name === undefined || redirect === null) return undefined;
      const wishes = textOf(params['scope']).split(' ');
      return { clientId, clientName: name, scopes: wished(wishes), wishes, redirectHost: redirect.host };
    } catch {
      // The cookie is another browser's, or the login took too long.
      return undefined;
    }
  };

  return {
    devices: {
      find: async (userCode) => readDevice(userCode),
      approve: async (userCode, person, scopes) => {
        const device = readDevice(userCode);
        if (device === undefined || device.expiresAtMs <= clock.nowMs()) return 'gone';
        const { grantId, scope } = await begin(device.clientId, person, scopes, device.wishes, device.requestedFrom, device.userAgent ?? '');
        if (objects.decideDevice(normal(userCode), { accountId: person.id, grantId, scope, resource: audience, authTime: Math.floor(clock.nowMs() / 1_000) })) return 'done';
        sessions.end(grantId, 'decided otherwise');
        return 'gone';
      },
      deny: async (userCode) => (objects.decideDevice(normal(userCode), { error: 'access_denied', errorDescription: 'the person said no' }) ? 'done' : 'gone'),
    },
    browsers: {
      find: readBrowser,
      finish: async (req, res, uid, decision) => {
        const pending = await readBrowser(req, res, uid);
        if (pending === undefined) return { kind: 'gone' };
        if (decision === 'denied') return goOn(provider().interactionResult(req, res, { error: 'access_denied', error_description: 'the person said no' }, { mergeWithLastSubmission: false }));
        const { person, scopes, from } = decision;
        const { grantId } = await begin(pending.clientId, person, scopes, pending.wishes, from, textOf(req.headers['user-agent']).slice(0, 256));
        return goOn(provider().interactionResult(req, res, { login: { accountId: person.id, remember: false }, consent: { grantId } }, { mergeWithLastSubmission: false }));
      },
    },
  };
}

async function goOn(location: Promise<string>): Promise<{ readonly kind: 'done'; readonly location: string }> {
  return { kind: 'done', location: await location };
}

/** What is asked for of ours, else what everybody gets. */
function wished(wishes: readonly string[]): readonly Scope[] {
  const named = allScopes.filter((scope) => wishes.includes(scope));
  return named.length === 0 ? defaultScopes : named;
}

function normal(userCode: string): string {
  return userCode.toUpperCase().replaceAll(/[^A-Z]/g, '');
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
