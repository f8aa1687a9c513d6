// The main way through: upload → progress → transcript → search → play at the second, in light and
// dark, narrow and wide, each with a recording of its own.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  address,
  Explorer,
  LOOKS,
  launch,
  meeting,
  PROCESSED_MS,
  type Recording,
} from './explorer';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

const row = (page: Page, title: string) =>
  page
    .getByRole('region', { name: 'Recordings' })
    .getByRole('listitem')
    .filter({ has: page.getByRole('link', { name: title, exact: true }) });

/** Takes the recording in; says whether the server did not know it yet. */
async function upload({ page }: Explorer, { title, file }: Recording): Promise<boolean> {
  await page.getByRole('link', { name: 'Library', exact: true }).click();
  const list = page.getByRole('region', { name: 'Recordings' });
  await list.getByRole('listitem').or(list.getByText('No recordings yet')).first().waitFor();
  const isNew = (await row(page, title).count()) === 0;
  await page.getByLabel('Files to add').setInputFiles(file);
  await page.getByRole('list', { name: 'Uploads' }).getByText('Accepted').waitFor();
  await row(page, title).waitFor();
  return isNew;
}

/** The state comes by itself: nobody reloads. */
async function untilSearchable({ page }: Explorer, title: string): Promise<string[]> {
  const seen: string[] = [];
  const deadline = Date.now() + PROCESSED_MS;
  while (Date.now() < deadline) {
    const text = (await row(page, title).innerText()).replace(/\s+/g, ' ');
    if (text !== seen.at(-1)) seen.push(text);
    if (/Ready|Incomplete/.test(text)) return seen;
    if (text.includes('Failed')) break;
    await page.waitForTimeout(100);
  }
  throw new Error(`not searchable: ${seen.join(' → ')}`);
}

const secondOf = (page: Page) =>
  page.evaluate(() => {
    const media = document.querySelector<HTMLMediaElement>('video, audio');
    return { at: media?.currentTime ?? -1, paused: media?.paused ?? true };
  });

describe.each(LOOKS)('$theme at $width pixels', (look) => {
  const recording = look === LOOKS[0] ? meeting : address(`address ${look.theme} ${look.width}`);
  const { title, phrase } = recording;
  const [first = '', last = ''] = [phrase.split(' ')[0], phrase.split(' ').at(-1)];
  test('from a file to the second in which it was said', {
    timeout: PROCESSED_MS + 60_000,
  }, async () => {
    const explorer = await Explorer.open(browser, look);
    const { page, context } = explorer;
    await page.goto('/');
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await explorer.check('sign-in');
    await explorer.signIn();
    await explorer.check('home');

    const isNew = await upload(explorer, recording);
    await explorer.check('library-uploading');
    const seen = await untilSearchable(explorer, title);
    if (isNew) expect(seen.join()).toMatch(/\d+ %/);
    await explorer.check('library');

    await row(page, title).getByRole('link', { name: title, exact: true }).click();
    const transcript = page.getByRole('region', { name: 'Transcript' });
    await transcript.getByText(first).first().waitFor();
    // The picture itself, not its sound alone.
    await expect
      .poll(() => page.evaluate(() => document.querySelector('video')?.videoWidth))
      .toBe(320);
    await explorer.check('video');

    await page.getByRole('link', { name: 'Search', exact: true }).click();
    const box = page.getByRole('searchbox', { name: 'Search what was said' });
    await box.fill(`"${phrase}"`);
    await box.press('Enter');
    const results = page.getByRole('region', { name: 'Results' });
    const hit = results.getByRole('listitem').filter({
      has: page.getByRole('heading', { name: title, exact: true }),
      hasText: last,
    });
    await hit.waitFor();
    expect(await hit.locator('mark').allInnerTexts()).toContain(first);
    expect(await results.innerText()).toMatch(/\d+ passages?[\s\S]*words ✓[\s\S]*meaning ✓/);
    await hit.getByRole('button', { name: 'Play', exact: true }).click();
    await expect.poll(async () => (await secondOf(page)).paused).toBe(false);
    await explorer.check('search');

    await hit.getByRole('link', { name: 'Open' }).click();
    await transcript.waitFor();
    const wanted = Number(new URL(page.url()).searchParams.get('t'));
    expect(wanted).toBeGreaterThan(0);
    await expect.poll(async () => (await secondOf(page)).at).toBeCloseTo(wanted, 0);
    await page.keyboard.press('Space');
    await expect.poll(async () => (await secondOf(page)).at).toBeGreaterThan(wanted + 0.5);
    await expect.poll(() => transcript.locator('[data-active]').innerText()).toContain(first);
    await page.keyboard.press('Space');
    await explorer.check('video-at-second');
    await context.close();
  });
});
