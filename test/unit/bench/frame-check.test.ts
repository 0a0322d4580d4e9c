import { array, assert, nat, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameCheck, type FrameCount } from '../../../bench/load/frame-check.ts';
import { doneFrame, streamFrame } from '../../../bench/workloads.ts';

const frameCount = 5;
const frames = Array.from({ length: frameCount }, (_, index) => streamFrame(index));

function check(bytes: Buffer, places: readonly number[] = []): FrameCount {
  const frameCheck = new FrameCheck(frameCount);
  const at = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  at.slice(1).forEach((end, index) => frameCheck.push(bytes.subarray(at[index], end)));
  return frameCheck.count();
}

describe('the frame check', () => {
  it('finds every frame once wherever the stream is cut', () => {
    const whole = Buffer.concat([...frames, doneFrame]);
    assert(property(array(nat({ max: 2_000 }), { maxLength: 20 }), (places) => {
      expect(check(whole, places)).toEqual({ seen: 5, lost: 0, wrong: 0, isDone: true });
    }));
  });

  it('counts a frame that is missing', () => {
    expect(check(Buffer.concat([...frames.filter((_, index) => index !== 2), doneFrame]))).toMatchObject({ lost: 1, wrong: 0 });
  });

  it('counts what a broken-off stream never sent, and sees that [DONE] is missing', () => {
    expect(check(Buffer.concat(frames.slice(0, 2)))).toMatchObject({ lost: 3, isDone: false });
  });

  it('counts a frame that came twice', () => {
    expect(check(Buffer.concat([...frames, streamFrame(1), doneFrame]))).toMatchObject({ lost: 0, wrong: 1 });
  });
});
