import { auditRoutes } from './audit.ts';
import { withAudit } from './audit-trail.ts';
import { clientKeyRoutes } from './client-keys.ts';
import { authFileRoutes } from './auth-files.ts';
import { configDocumentRoutes } from './config-document.ts';
import type { ManagementDeps, ManagementRoute } from './context.ts';
import { deviceCodeRoutes } from './device-codes.ts';
import { listRoutes } from './lists.ts';
import { loginRoutes } from './logins.ts';
import { logRoutes } from './logs.ts';
import { oauthClientRoutes } from './oauth-clients.ts';
import { routingRoutes } from './routing.ts';
import { sessionRoutes } from './sessions.ts';
import { scalarRoutes } from './scalars.ts';
import { statusRoutes } from './status.ts';
import { usageRoutes } from './usage.ts';

/** Every management route, its path below `managementBase`, ready to be mounted behind the management door. Unique per method and path. */
export function managementRoutes(deps: ManagementDeps): readonly ManagementRoute[] {
  return [configDocumentRoutes, scalarRoutes, listRoutes, authFileRoutes, loginRoutes, clientKeyRoutes, oauthClientRoutes, sessionRoutes, deviceCodeRoutes, usageRoutes, logRoutes, auditRoutes, statusRoutes, routingRoutes]
    .flatMap((routesOf) => routesOf(deps))
    .map((route) => withAudit(deps, route));
}
