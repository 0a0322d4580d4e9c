import { describe, expect, it } from 'vitest';
import { findReferencedVariables } from '../../../internal/config/dotenv.ts';

describe('variables that a config refers to', () => {
  it('are found wherever a reference stands', () => {
    expect([...findReferencedVariables('api-keys: ["env:ONE", env:TWO]\nproxy-url: env:THREE # env:IN_A_COMMENT\nx: environment:NO\n')]).toEqual(['ONE', 'TWO', 'THREE', 'IN_A_COMMENT']);
  });
});
