/** One thing wrong with (or worth knowing about) a config file. */
export interface ConfigProblem {
  readonly severity: 'error' | 'warning';
  /** Dotted path of the setting, e.g. `gemini-api-key.0.base-url`; empty for the file as a whole. */
  readonly path: string;
  /** What is wrong and what to do, one sentence, no secrets. */
  readonly message: string;
  /** 1-based place in the file; absent where the setting is not in the file. */
  readonly line?: number;
  readonly column?: number;
  /** True where the text is not YAML at all, so that nothing else was looked at. */
  readonly isSyntax?: true;
}

/** `config.yaml:10:12 api-keys.0: must not be empty` – the one printed form of a problem. */
export function formatProblem(file: string, problem: ConfigProblem): string {
  const place = problem.line === undefined ? file : `${file}:${problem.line}:${problem.column ?? 1}`;
  return problem.path === '' ? `${place} ${problem.message}` : `${place} ${problem.path}: ${problem.message}`;
}
