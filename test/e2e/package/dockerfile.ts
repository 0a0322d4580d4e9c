/** One instruction of a Dockerfile, continuation lines joined. */
export interface Instruction {
  readonly name: string;
  readonly rest: string;
}

export interface Stage {
  readonly base: string;
  /** `AS` name; empty for the last stage. */
  readonly name: string;
  readonly instructions: readonly Instruction[];
}

/** Splits a Dockerfile into its stages; knows what the one of this repository uses. */
export function parseDockerfile(text: string): readonly Stage[] {
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*(#|$)/.test(line))
    .join('\n')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n');
  const stages: { base: string; name: string; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [name = '', ...words] = line.trim().split(/\s+/);
    const rest = line.trim().slice(name.length).trim();
    if (name === 'FROM') stages.push({ base: words[0] ?? '', name: words[1] === 'AS' ? (words[2] ?? '') : '', instructions: [] });
    else stages.at(-1)?.instructions.push({ name, rest });
  }
  return stages;
}
