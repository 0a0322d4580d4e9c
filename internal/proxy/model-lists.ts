import type { Principal } from '../clients/principal.ts';
import { catalogueDate } from '../routing/catalogue.ts';
import { isLimitedInAccounts, mayBeServedBy } from '../routing/account-limits.ts';
import { mayUse } from '../routing/model-limits.ts';
import type { ListedModel, RoutingTable } from '../routing/ports.ts';
import { listedAs } from '../routing/table.ts';

export type ModelListForm = 'openai' | 'anthropic' | 'gemini';

/** Vendors' own dates are not known; all get the catalogue's, so that answers stay the same between calls. */
const createdSeconds = Date.parse(catalogueDate) / 1_000;
const createdAt = new Date(createdSeconds * 1_000).toISOString().replace('.000Z', 'Z');

/** All of `listed` that the caller may use; `form` is that of the asking client. Never paged. */
export function renderModelList(table: RoutingTable, form: ModelListForm, caller: Pick<Principal, 'holders'>, listed: readonly ListedModel[] = table.listModels()): object {
  const models = listed.filter(({ id }) => mayUse(caller, id) && hasAccount(table, caller, id));
  switch (form) {
    case 'openai':
      return { object: 'list', data: models.map(openaiModel) };
    case 'anthropic':
      return { data: models.map(anthropicModel), has_more: false, first_id: models[0]?.id ?? null, last_id: models.at(-1)?.id ?? null };
    case 'gemini':
      return { models: models.map(geminiModel) };
  }
}

/** What would route, lists show (contract §8): a model of accounts that the caller may not use would not. */
function hasAccount(table: RoutingTable, caller: Pick<Principal, 'holders'>, id: string): boolean {
  return !isLimitedInAccounts(caller) || table.candidatesFor(id).some(({ account }) => mayBeServedBy(caller, account));
}

/**
 * One model in that form; undefined when no request for it would be sent anywhere. Names that route without being listed
 * are shown too: clients look a model up before they use it. Whether the caller may use it is decided before.
 */
export function findListedModel(table: RoutingTable, id: string, form: ModelListForm): object | undefined {
  const model = listedAs(id, table.candidatesFor(id), table.settings);
  if (model === undefined) return undefined;
  switch (form) {
    case 'openai':
      return openaiModel(model);
    case 'anthropic':
      return anthropicModel(model);
    case 'gemini':
      return geminiModel(model);
  }
}

/** @see https://platform.openai.com/docs/api-reference/models/object */
function openaiModel(model: ListedModel): object {
  return { id: model.id, object: 'model', created: createdSeconds, owned_by: model.ownedBy };
}

/** @see https://docs.anthropic.com/en/api/models-list */
function anthropicModel(model: ListedModel): object {
  return { type: 'model', id: model.id, display_name: model.id, created_at: createdAt, object: 'model', owned_by: model.ownedBy };
}

/** @see https://ai.google.dev/api/models#Model */
function geminiModel(model: ListedModel): object {
  return { name: `models/${model.id}`, baseModelId: model.id, version: catalogueDate, displayName: model.id, description: `Served by ${model.ownedBy}.`, supportedGenerationMethods: geminiMethods(model) };
}

/** What can be called in the Gemini dialect: generating and counting are translated for models of other dialects, embedding is not. */
function geminiMethods({ id, dialects }: ListedModel): readonly string[] {
  if (!id.includes('embedding')) return ['generateContent', 'streamGenerateContent', 'countTokens'];
  return dialects.includes('gemini') ? ['embedContent', 'batchEmbedContents', 'countTokens'] : [];
}
