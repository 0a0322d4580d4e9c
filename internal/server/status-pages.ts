import { AppError } from '../fault/app-error.ts';
import type { Inbound } from '../http/inbound.ts';
import { mayBeServedBy, refuseDisallowedAccounts } from '../routing/account-limits.ts';
import { mayUse, refuseDisallowedModel } from '../routing/model-limits.ts';
import { findListedModel, renderModelList, type ModelListForm } from '../proxy/model-lists.ts';
import type { ListedModel } from '../routing/ports.ts';
import type { PageHandler } from './pages.ts';
import type { Snapshot } from './snapshot.ts';

export interface StatusPagesDeps {
  readonly version: string;
  /** Codes of what is wrong; `isServing` false means requests cannot be served. */
  readonly readiness: () => { readonly isServing: boolean; readonly codes: readonly string[] };
  /** Prometheus text. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
  /** All that would route, sorted by id. */
  readonly listModels: (snapshot: Snapshot) => Promise<readonly ListedModel[]>;
}

export interface StatusPages {
  readonly home: PageHandler;
  readonly healthz: PageHandler;
  readonly readyz: PageHandler;
  readonly metrics: PageHandler;
  readonly listModels: PageHandler;
  readonly listGeminiModels: PageHandler;
  readonly showModel: PageHandler;
  readonly showGeminiModel: PageHandler;
}

export function createStatusPages(deps: StatusPagesDeps): StatusPages {
  return {
    home: (c) =>
      c.json({
        name: 'keyward',
        version: deps.version,
        message: 'Keyward is running; send API requests to the endpoints below.',
        endpoints: ['POST /v1/chat/completions', 'POST /v1/completions', 'POST /v1/embeddings', 'POST /v1/responses', 'POST /v1/messages', 'POST /v1beta/models/{model}:generateContent', 'GET /v1/models', 'GET /healthz', 'GET /readyz'],
      }),
    healthz: (c) => c.json({ status: 'ok' }),
    readyz: (c) => {
      const { isServing, codes } = deps.readiness();
      const status = !isServing ? 'unavailable' : codes.length > 0 ? 'degraded' : 'ok';
      return c.json({ status, codes }, isServing ? 200 : 503);
    },
    metrics: async (c) => {
      const { contentType, text } = await deps.metrics();
      return c.body(text, 200, { 'content-type': contentType, 'cache-control': 'no-store' });
    },
    listModels: async (c, inbound) => c.json(await listFor(deps, inbound, listForm(inbound))),
    listGeminiModels: async (c, inbound) => c.json(await listFor(deps, inbound, 'gemini')),
    showModel: (c, inbound) => c.json(modelOr404(inbound, listForm(inbound))),
    showGeminiModel: (c, inbound) => c.json(modelOr404(inbound, 'gemini')),
  };
}

async function listFor({ listModels }: StatusPagesDeps, { snapshot, principal }: Inbound<Snapshot>, form: ModelListForm): Promise<object> {
  return renderModelList(snapshot.routes, form, principal, await listModels(snapshot));
}

/** The form of `/v1/models` follows the headers, as the paths of OpenAI and Anthropic are the same (contract §8). */
function listForm(inbound: Inbound<Snapshot>): ModelListForm {
  if (inbound.req.headers['anthropic-version'] !== undefined) return 'anthropic';
  return inbound.req.headers['x-goog-api-key'] === undefined ? 'openai' : 'gemini';
}

function modelOr404({ snapshot: { routes }, principal, params }: Inbound<Snapshot>, form: ModelListForm): object {
  const id = params['id'] ?? '';
  if (!mayUse(principal, id)) throw refuseDisallowedModel(id);
  const candidates = routes.candidatesFor(id);
  if (candidates.length > 0 && !candidates.some(({ account }) => mayBeServedBy(principal, account))) throw refuseDisallowedAccounts(id);
  const model = findListedModel(routes, id, form);
  if (model === undefined) {
    const near = routes.nearNames(id, principal.holders);
    throw new AppError('model_not_found', { message: `No account serves a model of this name.${near.length === 0 ? '' : ` Did you mean ${near.map((name) => `"${name}"`).join(', ')}?`}`, fields: { param: 'model' } });
  }
  return model;
}
