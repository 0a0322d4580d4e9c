import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Page } from 'playwright-core';

/** How far a picture is from the one that is kept. */
export interface PictureDistance {
  /** Of the pixels, both pictures made small so that the fonts of a machine count little. */
  readonly differingShare: number;
  readonly isSameSize: boolean;
}

/** With `KEYWARD_UPDATE_GOLDEN=1` the picture is kept instead, to be looked at and committed. */
export async function comparePicture(page: Page, path: string, options: { readonly isWhole?: boolean } = {}): Promise<PictureDistance> {
  const now = await page.screenshot({ fullPage: options.isWhole === true, caret: 'hide' });
  if (process.env['KEYWARD_UPDATE_GOLDEN'] === '1') {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, now);
  }
  if (!existsSync(path)) throw new Error(`there is no picture ${path}; look at the page, then keep it with KEYWARD_UPDATE_GOLDEN=1`);
  return measure(page, now, readFileSync(path));
}

/** Draws both pictures on canvases of the browser itself. */
async function measure(page: Page, left: Buffer, right: Buffer): Promise<PictureDistance> {
  const tab = await page.context().newPage();
  try {
    return await tab.evaluate<PictureDistance>(`(${compareInPage})(${JSON.stringify([left.toString('base64'), right.toString('base64')])})`);
  } finally {
    await tab.close();
  }
}

/** Runs in the browser, as text. */
const compareInPage = `async ([left, right]) => {
  const load = async (data) => {
    const image = new Image();
    image.src = 'data:image/png;base64,' + data;
    await image.decode();
    return image;
  };
  const [a, b] = [await load(left), await load(right)];
  const small = 6;
  const width = Math.round(a.width / small), height = Math.round(a.height / small);
  const pixels = (image) => {
    const canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext('2d');
    context.imageSmoothingQuality = 'high';
    context.drawImage(image, 0, 0, width, height);
    return context.getImageData(0, 0, width, height).data;
  };
  const [p, q] = [pixels(a), pixels(b)];
  let differing = 0;
  for (let at = 0; at < p.length; at += 4) {
    const distance = Math.max(Math.abs(p[at] - q[at]), Math.abs(p[at + 1] - q[at + 1]), Math.abs(p[at + 2] - q[at + 2]));
    if (distance > 40) differing += 1;
  }
  return { differingShare: differing / (width * height), isSameSize: a.width === b.width && a.height === b.height };
}`;
