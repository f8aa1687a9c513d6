// The main way through: upload → progress → transcript → search → play at the second, in light and
// dark, narrow and wide.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Explorer, LOOKS, launch, PROCESSED_MS, RECORDING, SPOKEN, TITLE } from './explorer';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

const row = (page: Page) =>
  page
    .getByRole('region', { name: 'Recordings' })
    .getByRole('listitem')
    .filter({ hasText: TITLE })
    .first();

async function upload({ page }: Explorer): Promise<void> {
  await page.getByRole('link', { name: 'Library', exact: true }).click();
  await page.getByLabel('Files to add').setInputFiles(RECORDING);
  const uploads = page.getByRole('list', { name: 'Uploads' });
  await uploads.getByText('Accepted').waitFor();
  await row(page).waitFor();
}

/** The state comes by itself: nobody reloads. */
async function untilSearchable({ page }: Explorer): Promise<string[]> {
  const seen: string[] = [];
  const deadline = Date.now() + PROCESSED_MS;
  while (Date.now() < deadline) {
    const text = (await row(page).innerText()).replace(/\s+/g, ' ');
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

    await upload(explorer);
    await explorer.check('library-uploading');
    const seen = await untilSearchable(explorer);
    // The first time there is work to see; later the same file is known already.
    if (look === LOOKS[0] && seen.length > 1) expect(seen.join()).toMatch(/\d+ %/);
    await explorer.check('library');

    await row(page).getByRole('link', { name: TITLE }).last().click();
    const transcript = page.getByRole('region', { name: 'Transcript' });
    await transcript.getByText('squire').first().waitFor();
    await explorer.check('video');

    await page.getByRole('link', { name: 'Search', exact: true }).click();
    const box = page.getByRole('searchbox', { name: 'Search what was said' });
    await box.fill(`"${SPOKEN}"`);
    await box.press('Enter');
    const results = page.getByRole('region', { name: 'Results' });
    const hit = results.getByRole('listitem').filter({ hasText: 'dames' }).first();
    await hit.waitFor();
    expect(await hit.locator('mark').allInnerTexts()).toContain('squire');
    expect(await results.innerText()).toMatch(/\d+ passages? in \d+ videos?[\s\S]*words ✓/);
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
    await expect.poll(() => transcript.locator('[data-active]').innerText()).toContain('squire');
    await page.keyboard.press('Space');
    await explorer.check('video-at-second');
    await context.close();
  });
});
