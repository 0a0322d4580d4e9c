import { catalogueDate } from '../routing/catalogue.ts';
import type { ListedModel, RoutingTable } from '../routing/ports.ts';

export type ModelListForm = 'openai' | 'anthropic' | 'gemini';

const createdSeconds = Date.parse(catalogueDate) / 1_000;
const createdAt = new Date(createdSeconds * 1_000).toISOString();

/** All that would route, in the form of the dialect that asks; the order is that of the ids. */
export function renderModelList(table: RoutingTable, form: ModelListForm): object {
  const models = table.listModels();
  switch (form) {
    case 'openai':
      return { object: 'list', data: models.map(openaiModel) };
    case 'anthropic':
      return { data: models.map(anthropicModel), has_more: false, first_id: models[0]?.id ?? null, last_id: models.at(-1)?.id ?? null };
    case 'gemini':
      return { models: models.map(geminiModel) };
  }
}

/** One model in that form; undefined when nothing serves the name. Names that route without being listed are shown too. */
export function findListedModel(table: RoutingTable, id: string, form: ModelListForm): object | undefined {
  const model = table.listModels().find((each) => each.id === id) ?? unlisted(table, id);
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

function unlisted(table: RoutingTable, id: string): ListedModel | undefined {
  const [first] = table.candidatesFor(id);
  return first === undefined ? undefined : { id, ownedBy: first.account.provider, dialects: first.account.dialects };
}

function openaiModel(model: ListedModel): object {
  return { id: model.id, object: 'model', created: createdSeconds, owned_by: model.ownedBy };
}

function anthropicModel(model: ListedModel): object {
  return { type: 'model', id: model.id, display_name: model.id, created_at: createdAt, object: 'model', owned_by: model.ownedBy };
}

function geminiModel(model: ListedModel): object {
  const methods = model.dialects.includes('gemini') ? ['generateContent', 'streamGenerateContent', 'countTokens'] : [];
  return { name: `models/${model.id}`, version: '1', displayName: model.id, description: `Served by ${model.ownedBy}.`, supportedGenerationMethods: methods };
}
