import { auditRoutes } from './audit.ts';
import { withAuditedRefusals } from './audit-trail.ts';
import { configDocumentRoutes } from './config-document.ts';
import { managementBase, type ManagementDeps, type ManagementRoute } from './context.ts';
import { listRoutes } from './lists.ts';
import { logRoutes } from './logs.ts';
import { routingRoutes } from './routing.ts';
import { scalarRoutes } from './scalars.ts';
import { statusRoutes } from './status.ts';
import { usageRoutes } from './usage.ts';

/** Every management route with its full path, ready to be mounted behind the management door. Paths are unique per method. */
export function managementRoutes(deps: ManagementDeps): readonly ManagementRoute[] {
  return [configDocumentRoutes, scalarRoutes, listRoutes, usageRoutes, logRoutes, auditRoutes, statusRoutes, routingRoutes]
    .flatMap((routesOf) => routesOf(deps))
    .map((route) => withAuditedRefusals(deps, { ...route, path: `${managementBase}${route.path}` }));
}
