// Each page by itself: keyboard, citing, following, keys, what happens when the server is away.
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  Explorer,
  LOOKS,
  launch,
  meeting,
  PROCESSED_MS,
  SPOKEN,
  TITLE,
  truncated,
} from './explorer';

let browser: Browser;
let explorer: Explorer;
beforeAll(async () => {
  browser = await launch();
  explorer = await Explorer.open(browser, { theme: 'light', width: 1280 });
  await explorer.signIn();
  await openRecording();
  await explorer.page.getByText('Processing is complete').waitFor({ timeout: PROCESSED_MS });
  await explorer.context.close();
}, PROCESSED_MS);
afterAll(() => browser.close());
beforeEach(async () => {
  explorer = await Explorer.open(browser, { theme: 'light', width: 1280 });
  await explorer.signIn();
});
afterEach(() => explorer.context.close());

/** Opens the sample, taking it in first when the server does not know it yet. */
async function openRecording(): Promise<void> {
  const { page } = explorer;
  await page.goto('/library');
  await page.getByLabel('Files to add').setInputFiles(meeting.file);
  await page.getByRole('list', { name: 'Uploads' }).getByRole('link', { name: TITLE }).click();
  await page.getByRole('region', { name: 'Transcript' }).getByText('squire').first().waitFor({
    timeout: PROCESSED_MS,
  });
}

test('the keyboard reaches everything', async () => {
  const { page } = explorer;
  await page.goto('/library');
  await page.getByRole('heading', { name: 'Library' }).waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys and queries' }).waitFor();
  await explorer.check('help');
  await page.keyboard.press('Escape');
  await page.goto(`/?q=${encodeURIComponent(SPOKEN)}`);
  await page.getByRole('region', { name: 'Results' }).getByRole('listitem').first().waitFor();
  await page.keyboard.press('j');
  expect(new URL(page.url()).searchParams.get('sel')).toBe('0');
  await page.keyboard.press('c');
  await page.getByText('Quote copied').waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(
    /^“.+” — .+, \d+:\d\d\nhttps?:.+\/videos\/.+\?t=\d+$/,
  );
  await page.keyboard.press('/');
  expect(await page.evaluate(() => document.activeElement?.getAttribute('type'))).toBe('search');
});

test('the transcript follows until the reader scrolls; a selection is a quote', async () => {
  const { page } = explorer;
  await openRecording();
  await page.keyboard.press('Space');
  const transcript = page.getByRole('region', { name: 'Transcript' });
  await transcript.locator('[data-spoken]').waitFor();
  const pill = page.getByRole('button', { name: 'Follow playback' });
  expect(await pill.count()).toBe(0);
  await transcript.hover();
  await page.mouse.wheel(0, 200);
  await pill.click();
  expect(await pill.count()).toBe(0);
  await page.keyboard.press('Space');

  const word = transcript.getByText('squire', { exact: true }).first();
  await word.click();
  await expect.poll(() => Number(new URL(page.url()).searchParams.get('t'))).toBeGreaterThan(0);
  await word.dblclick();
  await page.getByRole('button', { name: 'Copy quote' }).click();
  await page.getByText('Quote copied').waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^“squire” — meeting/);

  await page.keyboard.press('Escape'); // lets go of the selection, does not leave
  await page.goto(`${page.url().split('?')[0]}?find=dames`);
  await page.getByText(/^1 of \d+$/).waitFor();
  await explorer.check('video-find');
});

test('a recording whose end is missing says so, and another does not', async () => {
  const { page } = explorer;
  await page.goto('/library');
  await page.getByLabel('Files to add').setInputFiles(truncated.file);
  await page.getByRole('list', { name: 'Uploads' }).getByRole('link').click();
  await page.getByText('Processing is complete').waitFor({ timeout: PROCESSED_MS });
  const odd = page.getByRole('list', { name: 'Odd about this recording' });
  await odd.getByText('The file ends before what it declares').waitFor();
  await explorer.check('video-warnings');
  await openRecording();
  expect(await odd.count()).toBe(0);
});

test('back and forward walk through searches', async () => {
  const { page } = explorer;
  const box = page.getByRole('searchbox', { name: 'Search what was said' });
  for (const query of ['squire', 'dames']) {
    await box.fill(query);
    await box.press('Enter');
    await page.waitForURL(`**/?q=${query}`);
  }
  await page.goBack();
  await expect.poll(() => box.inputValue()).toBe('squire');
  await page.goForward();
  await expect.poll(() => box.inputValue()).toBe('dames');
});

test('a key is shown once, and revoked', async () => {
  const { page } = explorer;
  const name = `browser test ${Date.now()}`;
  await page.goto('/settings');
  await page.getByRole('button', { name: 'Create a key' }).click();
  await page.getByLabel('Name').fill(name);
  await explorer.check('new-key');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  const secret = await page.getByRole('dialog').locator('code').innerText();
  expect(secret.length).toBeGreaterThan(20);
  await page.getByRole('button', { name: 'I have kept it' }).click();
  await page.reload();
  await page.getByText(name).waitFor();
  expect(await page.content()).not.toContain(secret);
  await page.getByRole('button', { name: `Revoke ${name}` }).click();
  await page.getByRole('button', { name: 'Revoke it' }).click();
  await page.getByRole('row', { name }).getByText('revoked').waitFor();
  await explorer.check('settings');
});

test('a chosen theme stays', async () => {
  const { page } = explorer;
  await page.goto('/settings');
  await page.getByRole('radio', { name: 'Dark' }).click();
  await page.reload();
  await page.getByRole('heading', { name: 'Settings' }).waitFor();
  expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe('dark');
  await explorer.check('settings-dark');
});

test.each(LOOKS)('every other page in $theme at $width pixels', async (look) => {
  const looked = await Explorer.open(browser, look);
  const { page, context } = looked;
  await looked.signIn();
  await page.goto('/library?tab=feeds');
  // A server either follows feeds or says that it does not.
  await page.getByLabel('Feed or folder').or(page.getByText('does not follow feeds')).waitFor();
  await looked.check('feeds');
  await page.goto('/jobs');
  await page.getByRole('table').waitFor();
  await looked.check('jobs');
  await page.getByRole('table').getByRole('button').first().click();
  await page.getByRole('dialog').getByText('Attempts').waitFor();
  await looked.check('job');
  await page.goto('/settings');
  await page.getByRole('table').waitFor();
  await looked.check('settings');
  await page.goto('/?q=zyzzyva&mode=lexical');
  await page.getByText('Nobody says that').waitFor();
  await looked.check('nothing-found');
  await context.close();
});

test('what cannot be fetched is said beside the address, until it is changed', async () => {
  const { page } = explorer;
  await page.goto('/library');
  const box = page.getByLabel('Addresses of recordings');
  await box.fill('http://127.0.0.1/private.mp4');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  const alert = page.getByRole('region', { name: 'Add recordings' }).getByRole('alert');
  await alert.getByText('http://127.0.0.1/private.mp4').waitFor();
  await explorer.check('refused-address');
  await box.fill('https://');
  await alert.waitFor({ state: 'detached' });
});

test('a recording that cannot be read says why, and what to do', async () => {
  const { page } = explorer;
  await page.goto('/library');
  const file = { name: 'broken.mp4', mimeType: 'video/mp4', buffer: Buffer.from('no recording') };
  await page.getByLabel('Files to add').setInputFiles(file);
  const broken = page
    .getByRole('region', { name: 'Recordings' })
    .getByRole('listitem')
    .filter({
      has: page.getByRole('link', { name: 'broken', exact: true }),
    });
  await broken.getByText('Failed').waitFor();
  await broken.getByRole('button', { name: 'Retry' }).waitFor();
  await explorer.check('library-failed');
  await broken.getByRole('link', { name: 'broken', exact: true }).click();
  await page.getByText('No transcript', { exact: true }).waitFor();
  await explorer.check('video-failed');
});

test('a viewer is offered what a viewer may do', async () => {
  const { page } = explorer;
  await page.goto('/settings');
  await page.getByRole('button', { name: 'Create a key' }).click();
  await page.getByLabel('Name').fill('a viewer');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  const key = await page.getByRole('dialog').locator('code').innerText();
  const viewer = await Explorer.open(browser, { theme: 'light', width: 1280 });
  await viewer.signIn(key);
  await viewer.page.goto('/library');
  const list = viewer.page.getByRole('region', { name: 'Recordings' });
  await list.getByRole('link', { name: TITLE, exact: true }).waitFor();
  expect(await viewer.page.getByRole('button', { name: 'Choose files' }).count()).toBe(0);
  expect(await list.getByRole('button', { name: /^(More for|Retry)/ }).count()).toBe(0);
  await viewer.check('library-viewer');
  await viewer.context.close();
});

test('a bad query says what to change', async () => {
  const { page } = explorer;
  await page.goto('/?q=squire+AND');
  await page.getByRole('alert').waitFor();
  await explorer.check('bad-query');
});

test('a server that goes away is said, and heals', async () => {
  const { page, context } = explorer;
  await page.goto('/jobs');
  await page.getByRole('heading', { name: 'Jobs' }).waitFor();
  // Requests of an open stream are not cut by going offline; a new one is.
  await context.route('**/api/v1/events', (route) => route.abort());
  await page.reload();
  const bar = page.getByText('Live updates are interrupted');
  await bar.waitFor();
  await context.unroute('**/api/v1/events');
  await bar.waitFor({ state: 'detached' });
});

test('no such page, no such video, and signing out', async () => {
  const { page } = explorer;
  await page.goto('/nowhere');
  await page.getByText('There is no such page').waitFor();
  await page.goto('/videos/0192f0c1-0000-7000-8000-000000000000');
  await page.getByRole('alert').waitFor();
  await page.goto('/settings');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
});

test('an upload that breaks goes on by itself', async () => {
  const { page } = explorer;
  await page.goto('/library');
  let broken = 0;
  await page.route('**/api/v1/uploads/*', async (route) => {
    if (route.request().method() !== 'PATCH' || broken === 2) return route.continue();
    broken += 1;
    return route.abort('connectionreset');
  });
  await page.getByLabel('Files to add').setInputFiles(meeting.file);
  await page.getByRole('list', { name: 'Uploads' }).getByText('Accepted').waitFor();
  expect(broken).toBe(2);
});

test('the checks of a page see a planted fault', async () => {
  const { page } = explorer;
  await page.evaluate(() => document.body.append(document.createElement('button')));
  await expect(explorer.check('planted')).rejects.toThrow(/button-name/);
  await page.reload();
  await page.getByRole('searchbox').waitFor();
  await page.evaluate(() => {
    const wide = document.createElement('div');
    wide.style.width = '3000px';
    wide.textContent = 'wide';
    document.querySelector('main')?.append(wide);
  });
  await expect(explorer.check('planted')).rejects.toThrow(/wider than the screen/);
});

test('the policy of the page forbids what the page does not need', async () => {
  const { page } = explorer;
  const plant = (tag: string, attribute: string, value: string) =>
    page.evaluate(
      ([name, key, text]) => {
        const element = document.createElement(name);
        element.setAttribute(key, text);
        document.body.append(element);
      },
      [tag, attribute, value] as const,
    );
  const html = '<b>text</b>';
  await expect(
    page.evaluate((text) => document.body.insertAdjacentHTML('beforeend', text), html),
  ).rejects.toThrow(/TrustedHTML/);
  await expect(plant('script', 'src', '/theme.js')).rejects.toThrow(/TrustedScriptURL/);
  explorer.problems.splice(0); // of what was tried until here
  await plant('i', 'style', 'color: red');
  await expect(explorer.check('planted')).rejects.toThrow(/style-src/);
  await page.evaluate(() => {
    const image = new Image();
    image.alt = '';
    image.src = 'https://media.example.org/a.png';
    document.body.append(image);
  });
  await expect(explorer.check('planted')).rejects.toThrow(/img-src/);
});
