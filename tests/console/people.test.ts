// Who speaks: on the page of a recording, in search, among people, and in a profile; every change
// is made and taken back as a person would.
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { again, Explorer, LOOKS, launch, meeting, PROCESSED_MS, type Recording } from './explorer';

const NAME = 'Ada Lovelace';
const SPEAKERS = 3; // in the meeting

let browser: Browser;
let explorer: Explorer;
beforeAll(async () => {
  browser = await launch();
  explorer = await Explorer.open(browser, { theme: 'light', width: 1280 });
  await explorer.signIn();
  await openRecording(meeting);
  await explorer.context.close();
}, PROCESSED_MS + 60_000);
afterAll(() => browser.close());
beforeEach(async () => {
  explorer = await Explorer.open(browser, { theme: 'light', width: 1280 });
  await explorer.signIn();
});
afterEach(() => explorer.context.close());

/** Opens a recording once all of it is done, taking it in when the server does not know it yet. */
async function openRecording({ file, title }: Recording): Promise<void> {
  const { page } = explorer;
  await page.goto('/library');
  await page.getByLabel('Files to add').setInputFiles(file);
  await page.getByRole('list', { name: 'Uploads' }).getByRole('link', { name: title }).click();
  await page.getByText('Processing is complete').waitFor({ timeout: PROCESSED_MS });
  await legendOf(page).first().waitFor();
}

const legendOf = (page: Page): Locator =>
  page.getByRole('list', { name: 'Speakers' }).getByRole('button');

const transcriptOf = (page: Page): Locator => page.getByRole('region', { name: 'Transcript' });

/** Names without their numbers, in the order of the legend. */
async function namesOn(page: Page): Promise<string[]> {
  const texts = await legendOf(page).allInnerTexts();
  return texts.map((text) => text.replace(/^\d+\s*/, '').trim());
}

/** The menu of a speaker in the tab People. */
async function openMenu(page: Page, name: string): Promise<void> {
  await page.getByRole('radio', { name: /^People/ }).click();
  await page
    .getByRole('table', { name: 'Talk time of every speaker' })
    .getByRole('button', { name, exact: true })
    .click();
}

async function nameSpeaker(page: Page, speaker: string, name: string): Promise<void> {
  await openMenu(page, speaker);
  await page.getByRole('menuitem', { name: 'Who is this?…' }).click();
  const box = page.getByRole('combobox', { name: 'Name' });
  await box.fill(name);
  await box.press('Enter');
  await page.getByText(`${speaker} is ${name}`).waitFor();
}

const undoIn = (page: Page, text: string): Locator =>
  page.locator('.toast').filter({ hasText: text }).getByRole('button', { name: 'Undo' });

const undone = (page: Page): Promise<void> =>
  page.locator('.toast').getByText('Undone', { exact: true }).waitFor();

const heading = (page: Page, name: string): Locator =>
  page.getByRole('heading', { level: 1, name, exact: true });

async function openPerson(page: Page, name: string): Promise<void> {
  await page.goto('/people');
  await page.getByRole('table').getByRole('link', { name, exact: true }).click();
  await heading(page, name).waitFor();
}

async function chooseAction(page: Page, action: string): Promise<void> {
  await page.getByRole('button', { name: 'More for this person' }).click();
  await page.getByRole('menuitem', { name: action }).click();
}

test('the transcript is in blocks by speaker, and the tab counts them', async () => {
  const { page } = explorer;
  await openRecording(meeting);
  const names = Array.from({ length: SPEAKERS }, (_, index) => `Speaker ${index + 1}`);
  expect(await namesOn(page)).toEqual(names);
  const transcript = transcriptOf(page);
  await transcript.getByRole('button', { name: 'Speaker 1', exact: true }).first().waitFor();

  await page.getByRole('radio', { name: `People ${SPEAKERS}` }).click();
  const table = page.getByRole('table', { name: 'Talk time of every speaker' });
  expect(await table.getByRole('row').count()).toBe(SPEAKERS + 1);
  const shares = await table
    .locator('meter')
    .evaluateAll((meters) => meters.map((meter) => Number((meter as HTMLMeterElement).value)));
  expect(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 100)).toBeLessThanOrEqual(2);
  await explorer.check('video-speakers');

  await legendOf(page).nth(1).click();
  await expect
    .poll(() => page.evaluate(() => document.querySelector<HTMLMediaElement>('video')?.currentTime))
    .toBeGreaterThan(1);
  await page.keyboard.press('Escape');

  await openRecording(meeting);
  const every = await transcript.locator('.segment').count();
  await openMenu(page, 'Speaker 2');
  await page.getByRole('menuitem', { name: 'Only what they say' }).click();
  await page.getByText(/^\d+ of \d+ passages$/).waitFor();
  expect(await transcript.getByRole('button', { name: 'Speaker 1', exact: true }).count()).toBe(0);
  expect(new URL(page.url()).searchParams.get('speaker')).toBeTruthy();
  await page.reload();
  await page.getByText(/^\d+ of \d+ passages$/).waitFor();
  await page.getByRole('button', { name: 'Show all speakers' }).click();
  await expect.poll(() => transcript.locator('.segment').count()).toBe(every);
});

test('a recording without speakers says why, and the rest of it works', async () => {
  const { page } = explorer;
  await page.route('**/api/v1/videos/*/speakers', (route) =>
    route.fulfill({ json: { diarization: null, speakers: [], turns: [] } }),
  );
  await page.goto('/library');
  await page.getByRole('link', { name: meeting.title, exact: true }).first().click();
  await transcriptOf(page).getByText('squire').first().waitFor();
  await page.getByRole('radio', { name: 'People' }).click();
  await page.getByText('The speakers of this recording were not told apart').waitFor();
  expect(await legendOf(page).count()).toBe(0);
  await explorer.check('video-without-speakers');
});

test('a speaker is named, and the name taken back', async () => {
  const { page } = explorer;
  await openRecording(meeting);
  await nameSpeaker(page, 'Speaker 1', NAME);
  await expect.poll(() => namesOn(page)).toEqual([NAME, 'Speaker 2', 'Speaker 3']);
  await transcriptOf(page).getByRole('button', { name: NAME, exact: true }).first().waitFor();
  await explorer.check('video-named');
  await undoIn(page, `Speaker 1 is ${NAME}`).click();
  await undone(page);
  await expect.poll(() => namesOn(page)).toEqual(['Speaker 1', 'Speaker 2', 'Speaker 3']);
  await page.reload();
  await expect.poll(() => namesOn(page)).toEqual(['Speaker 1', 'Speaker 2', 'Speaker 3']);
  // To stay, for the tests below.
  await nameSpeaker(page, 'Speaker 1', NAME);
  await page.reload();
  await expect.poll(() => namesOn(page)).toEqual([NAME, 'Speaker 2', 'Speaker 3']);
});

test('a voice that is known is recognised in another recording', {
  timeout: PROCESSED_MS + 60_000,
}, async () => {
  const { page } = explorer;
  await openRecording(again(meeting));
  await expect.poll(() => namesOn(page)).toEqual([NAME, 'Speaker 2', 'Speaker 3']);
});

test('search names the speaker of a result, and can be narrowed to one', async () => {
  const { page } = explorer;
  await page.goto(`/?q=${encodeURIComponent(meeting.phrase)}`);
  const results = page.getByRole('region', { name: 'Results' });
  const speaker = results.getByTitle('Only what this speaker says in this recording').first();
  const name = (await speaker.innerText()).trim();
  expect(name).toMatch(/^(Speaker \d|Ada Lovelace)$/);
  await speaker.click();
  await page.getByRole('list', { name: 'Active filters' }).getByText(name).waitFor();
  await explorer.check('search-speaker');
  await page.getByRole('list', { name: 'Active filters' }).getByRole('button').click();
  await page.waitForURL((url) => !url.searchParams.has('speaker'));
  await page.goto(`/?q=${encodeURIComponent(`speaker:"${name}" ${meeting.phrase}`)}`);
  await results.getByText(name).first().waitFor();
});

test.each(LOOKS)('people and a profile in $theme at $width pixels', async (look) => {
  const looked = await Explorer.open(browser, look);
  const { page, context } = looked;
  await looked.signIn();
  await page.goto('/people');
  await page.getByRole('table').getByRole('link', { name: NAME }).waitFor();
  await page
    .getByRole('table')
    .getByRole('link', { name: /^Unknown voice/ })
    .first()
    .waitFor();
  await looked.check('people');
  await page.getByRole('table').getByRole('link', { name: NAME }).click();
  await page.getByRole('heading', { name: 'Is it one voice?' }).waitFor();
  await page.getByRole('heading', { name: 'History' }).waitFor();
  await looked.check('person');
  await chooseAction(page, 'Erase…');
  await page.getByRole('dialog').waitFor();
  await looked.check('person-erase');
  await page.getByRole('button', { name: 'Keep it' }).click();
  await heading(page, NAME).waitFor();
  await context.close();
});

test('the list of people is filtered and walked by keyboard', async () => {
  const { page } = explorer;
  await page.goto('/people');
  const table = page.getByRole('table');
  await table.waitFor();
  await page.getByRole('radio', { name: /^Unknown voices/ }).click();
  await expect.poll(() => table.getByRole('link', { name: NAME }).count()).toBe(0);
  await page.getByRole('radio', { name: /^Named/ }).click();
  await page.getByRole('searchbox', { name: 'Filter by name' }).fill('lovel');
  await page.waitForURL((url) => url.searchParams.get('name') === 'lovel');
  await expect.poll(() => table.getByRole('link').allInnerTexts()).toEqual([NAME]);
  await page.getByRole('heading', { name: 'People' }).click(); // out of the box
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await heading(page, NAME).waitFor();
  await page.goto('/people?name=zyzzyva');
  await page.getByText('Nobody is called “zyzzyva”').waitFor();
  await explorer.check('people-none');
});

test('two voices side by side: heard, confirmed, rejected, and taken back', async () => {
  const { page } = explorer;
  await openPerson(page, NAME);
  const compare = page.getByRole('region', { name: 'Is it one voice?' });
  await compare
    .getByRole('button', { name: /^Play \d/ })
    .first()
    .click();
  await expect
    .poll(() => page.evaluate(() => document.querySelector('audio')?.paused ?? true))
    .toBe(false);
  await compare.getByRole('button', { name: 'Stop and close' }).click();

  const appearances = page.getByRole('region', { name: 'Where they speak' });
  await appearances.getByText(/^matched by voice/).waitFor();
  await compare.getByRole('button', { name: 'The same person' }).click();
  await appearances.getByText(/^matched by voice/).waitFor({ state: 'detached' });
  await undoIn(page, `is ${NAME}`).click();
  await appearances.getByText(/^matched by voice/).waitFor();

  await compare.getByRole('button', { name: 'Somebody else' }).click();
  await expect.poll(() => appearances.getByRole('row').count()).toBe(2);
  const history = page.getByRole('region', { name: 'History' });
  await history.getByRole('button', { name: /^Undo: .*said not to be this person/ }).click();
  await expect.poll(() => appearances.getByRole('row').count()).toBe(3);
  await explorer.check('person-undone');
});

test('renaming shows everywhere, and goes back', async () => {
  const { page } = explorer;
  await openPerson(page, NAME);
  await page.getByRole('button', { name: 'Rename' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Augusta Ada King');
  await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click();
  await heading(page, 'Augusta Ada King').waitFor();
  await undoIn(page, 'Augusta Ada King').click();
  await heading(page, NAME).waitFor();
});

test('a merge says what happens, and is undone', async () => {
  const { page } = explorer;
  await page.goto('/people?show=unknown');
  const unknown = page.getByRole('table').getByRole('link', { name: /^Unknown voice/ });
  await unknown.first().waitFor();
  const before = await unknown.count();
  const voice = await unknown.first().innerText();
  await unknown.first().click();
  await heading(page, voice).waitFor();
  await chooseAction(page, 'Merge into somebody…');
  const box = page.getByRole('combobox', { name: 'Who is it really?' });
  await box.fill('Ada');
  await box.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.getByText('who is no longer listed').waitFor();
  await explorer.check('person-merge');
  await dialog.getByRole('button', { name: 'Merge them' }).click();
  await heading(page, NAME).waitFor();
  await undoIn(page, 'was merged into').click();
  await undone(page);
  await page.goto('/people?show=unknown');
  await expect.poll(() => unknown.count()).toBe(before);
});

test('a voice is split out, and put back', async () => {
  const { page } = explorer;
  await openPerson(page, NAME);
  const appearances = page.getByRole('region', { name: 'Where they speak' });
  await chooseAction(page, 'Split some voices out…');
  const dialog = page.getByRole('dialog');
  expect(await dialog.getByRole('button', { name: 'Split out' }).isDisabled()).toBe(true);
  await dialog.getByRole('checkbox').first().check();
  await explorer.check('person-split');
  await dialog.getByRole('button', { name: 'Split out 1 voice' }).click();
  await expect.poll(() => appearances.getByRole('row').count()).toBe(2);
  await undoIn(page, 'became another person').click();
  await expect.poll(() => appearances.getByRole('row').count()).toBe(3);
});

test('a viewer reads people and is offered no change', async () => {
  const { page } = explorer;
  await page.goto('/settings');
  await page.getByRole('button', { name: 'Create a key' }).click();
  await page.getByLabel('Name').fill('a reader of people');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  const key = await page.getByRole('dialog').locator('code').innerText();
  const viewer = await Explorer.open(browser, { theme: 'light', width: 1280 });
  await viewer.signIn(key);
  await openPerson(viewer.page, NAME);
  await viewer.page
    .getByRole('region', { name: 'History' })
    .getByRole('listitem')
    .first()
    .waitFor();
  for (const name of ['Rename', 'More for this person', 'Somebody else', /^Undo/, /^Not them/]) {
    expect(await viewer.page.getByRole('button', { name }).count(), String(name)).toBe(0);
  }
  await viewer.check('person-viewer');
  await viewer.context.close();
});

test('an erasure says what is lost, proves it, and leaves nobody', async () => {
  const { page } = explorer;
  await openPerson(page, NAME);
  const address = page.url();
  await chooseAction(page, 'Erase…');
  await page.getByRole('dialog').getByText('This cannot be undone.').waitFor();
  await page.getByRole('button', { name: 'Erase for good' }).click();
  const proof = page.getByRole('table', { name: 'Proof of the erasure' });
  await proof.waitFor();
  await page.getByText('A second look found nothing anywhere.').waitFor();
  expect(await proof.getByRole('row').count()).toBeGreaterThan(2);
  expect(await proof.innerText()).toContain('voiceprints');
  await explorer.check('person-erased');
  await page.goto('/people');
  await page.getByRole('heading', { name: 'People' }).waitFor();
  expect(await page.getByRole('link', { name: NAME }).count()).toBe(0);
  await page.goto(address);
  await page.getByRole('alert').waitFor();
  await openRecording(meeting);
  await expect.poll(() => namesOn(page)).toEqual(['Speaker 1', 'Speaker 2', 'Speaker 3']);
});
