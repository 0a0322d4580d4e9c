import { LineCounter, parseDocument, visit, type Document } from 'yaml';
import { err, ok, type Result } from '../fault/result.ts';
import type { ConfigProblem } from './problem.ts';

/** A text that is one well-formed YAML document within our limits. */
export interface YamlSource {
  readonly text: string;
  readonly document: Document.Parsed;
  /** 1-based place of an offset in the text. */
  readonly placeOf: (offset: number) => { readonly line: number; readonly column: number };
}

const maxYamlBytes = 1_048_576;
const coreTag = /^tag:yaml\.org,2002:(?:str|int|float|bool|null|map|seq|merge)$/;

/** The one way Keyward parses YAML: core types, merge keys, unique keys, no custom tags. */
export function parseYaml(text: string): Result<YamlSource, readonly ConfigProblem[]> {
  if (Buffer.byteLength(text) > maxYamlBytes) return err([syntaxProblem('is larger than 1 MB')]);
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, keepSourceTokens: true, merge: true, stringKeys: true, resolveKnownTags: false, prettyErrors: false, logLevel: 'error' });
  const placeOf = (offset: number): { line: number; column: number } => {
    const { line, col } = lineCounter.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const problems = document.errors.map((error) => syntaxProblem(describeYamlError(error.code, error.message), placeOf(error.pos[0])));
  visit(document, {
    Node: (_key, node) => {
      if (node.tag !== undefined && !coreTag.test(node.tag)) problems.push(syntaxProblem('uses a custom tag; only plain YAML is read', placeOf(node.range?.[0] ?? 0)));
    },
  });
  return problems.length > 0 ? err(problems) : ok({ text, document, placeOf });
}

export function syntaxProblem(message: string, place: { readonly line?: number; readonly column?: number } = {}): ConfigProblem {
  return { severity: 'error', path: '', message, isSyntax: true, ...place };
}

/** The parser's own sentence may quote the text, secrets included; only sentences known not to are kept. */
function describeYamlError(code: string, message: string): string {
  switch (code) {
    case 'DUPLICATE_KEY':
      return 'the same key stands here a second time';
    case 'MULTIPLE_DOCS':
      return 'a second document begins here; the file must be one';
    case 'TAB_AS_INDENT':
      return 'tabs cannot indent; use blanks';
    case 'BAD_ALIAS':
      return 'this alias names no anchor above it';
    case 'BAD_INDENT':
      return 'the indentation does not fit the lines above';
    case 'MISSING_CHAR':
      return /^Missing closing ["']/.test(message) ? 'a quote is not closed' : 'a bracket, quote or `: ` is missing here';
    case 'NON_STRING_KEY':
      return 'keys must be plain text';
    default:
      return `is not valid YAML here (${code.toLowerCase().replaceAll('_', ' ')})`;
  }
}
