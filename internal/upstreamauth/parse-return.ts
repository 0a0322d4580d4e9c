import { AppError } from '../fault/app-error.ts';
import { err, ok, type Result } from '../fault/result.ts';
import type { LoginReturn } from './ports.ts';

const maxTextLength = 16 * 1024;
/** Codes are opaque, and some vendors' are long; states are ours. */
const maxLength = { code: 8_192, state: 256, error: 256, error_description: 2_048, iss: 1_024 } as const;
type Name = keyof typeof maxLength;
const names = ['code', 'state', 'error', 'error_description', 'iss'] as const;

type Parsed = Result<LoginReturn, AppError>;

/**
 * Reads what was pasted: the full redirect URL (whatever its host: `localhost`, `127.0.0.1` and `[::1]` are one place), a
 * bare query string, or `code#state` as Anthropic shows it. Error: `invalid_request`.
 */
export function parsePasted(text: string): Parsed {
  const pasted = text.trim();
  if (pasted === '') return refuse('Nothing was pasted.');
  if (pasted.length > maxTextLength) return refuse('What was pasted is too long to be the address of a login.');
  // Terminals wrap long lines, and the wraps come along.
  if (/^https?:\/\//i.test(pasted)) return parseUrl(pasted.replace(/\s+/g, ''));
  if (/(?:^|[?&])(?:code|state|error)=/.test(pasted)) return parseQuery(pasted.replace(/^\?/, ''));
  return parseCodeAndState(pasted);
}

/**
 * Reads the members of `POST /oauth-callback`: `redirect_url`, else `code`, `state`, `error`, `error_description`, `iss`; a
 * `code` may be `code#state`. Members that contradict the URL are refused. Error: `invalid_request`.
 */
export function parseMembers(members: Readonly<Record<string, unknown>>): Parsed {
  const wrong = ['redirect_url', ...names].find((name) => members[name] !== undefined && members[name] !== null && typeof members[name] !== 'string');
  if (wrong !== undefined) return refuse(`\`${wrong}\` must be text.`);
  const member = (name: string): string => (typeof members[name] === 'string' ? members[name].trim() : '');
  const own: LoginReturn = { code: member('code'), state: member('state'), error: member('error'), errorDescription: member('error_description'), iss: member('iss') };
  const pasted = member('redirect_url');
  if (pasted === '') return own.code.includes('#') ? joinState(own) : check(own);
  const parsed = parsePasted(pasted);
  if (!parsed.ok) return parsed;
  const differs = (['code', 'state', 'error'] as const).find((name) => own[name] !== '' && own[name] !== parsed.value[name]);
  return differs === undefined ? parsed : refuse(`\`${differs}\` and \`redirect_url\` contradict each other.`);
}

/** Reads the query of a redirect, without `?`. A parameter that stands twice is refused: readers disagree on which counts. Error: `invalid_request`. */
export function parseQuery(query: string): Parsed {
  if (query.length > maxTextLength) return refuse('The address is too long.');
  const parameters = new URLSearchParams(query);
  const twice = names.find((name) => parameters.getAll(name).length > 1);
  if (twice !== undefined) return refuse(`The parameter \`${twice}\` stands in the address twice.`);
  const get = (name: Name): string => parameters.get(name) ?? '';
  return check({ code: get('code'), state: get('state'), error: get('error'), errorDescription: get('error_description'), iss: get('iss') });
}

function parseUrl(text: string): Parsed {
  const url = URL.parse(text);
  if (url === null) return refuse('This is no complete address; copy the whole address line of the browser.');
  const query = url.search.replace(/^\?/, '');
  const fragment = url.hash.replace(/^#/, '');
  // Some vendors answer in the fragment; what is in both is a contradiction like any other repeated parameter.
  return parseQuery([query, fragment.includes('=') ? fragment : ''].filter((part) => part !== '').join('&'));
}

function parseCodeAndState(text: string): Parsed {
  if (/\s/.test(text)) return refuse('This is neither the address that the browser was sent to nor `code#state`.');
  if (!text.includes('#')) return refuse('This has no state; paste the whole address that the browser was sent to, or `code#state`.');
  return joinState({ code: text, state: '', error: '', errorDescription: '', iss: '' });
}

/** Takes `code#state` apart. */
function joinState(returned: LoginReturn): Parsed {
  const [code = '', state = '', ...rest] = returned.code.split('#');
  if (rest.length > 0) return refuse('`code#state` has one `#`.');
  if (returned.state !== '' && returned.state !== state) return refuse('`state` and the state behind the code contradict each other.');
  return check({ ...returned, code, state });
}

function check(returned: LoginReturn): Parsed {
  const values: Readonly<Record<Name, string>> = { code: returned.code, state: returned.state, error: returned.error, error_description: returned.errorDescription, iss: returned.iss };
  const tooLong = names.find((name) => values[name].length > maxLength[name]);
  if (tooLong !== undefined) return refuse(`\`${tooLong}\` is too long.`);
  if (returned.state === '') return refuse('There is no `state`.');
  if (returned.code === '' && returned.error === '') return refuse('There is neither `code` nor `error`.');
  if (returned.code !== '' && returned.error !== '') return refuse('There is both `code` and `error`.');
  return ok(returned);
}

function refuse(message: string): Parsed {
  return err(new AppError('invalid_request', { message }));
}
