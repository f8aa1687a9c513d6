// What the browser tests share: a browser, a signed-in page, and what must hold on every page.
//
// `python -m tests.console` starts one and runs them. Any other is told by the environment:
//   NARRALYTICA_URL          http://127.0.0.1:8080
//   NARRALYTICA_KEY          an admin's API key
//   NARRALYTICA_SCREENSHOTS  a folder for a picture of every page (optional)
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { AxeResults } from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';

export const URL_BASE = process.env.NARRALYTICA_URL ?? 'http://127.0.0.1:8080';
export const TITLE = 'meeting';
export const SPOKEN = 'squire of dames'; // in the recording
export const PROCESSED_MS = 240_000; // within which it can be searched

const sample = (path: string) =>
  readFileSync(fileURLToPath(new URL(`../../samples/${path}`, import.meta.url)));

export interface Recording {
  title: string;
  phrase: string; // said in it, after its first second
  file: { name: string; mimeType: string; buffer: Buffer };
}

/** Two minutes of a meeting. */
export const meeting: Recording = {
  title: TITLE,
  phrase: SPOKEN,
  file: { name: `${TITLE}.mp4`, mimeType: 'video/mp4', buffer: sample('demo/meeting.mp4') },
};

/** A sentence of an address; what players skip makes a recording of its own of every title. */
export function address(title: string): Recording {
  const buffer = Buffer.concat([sample('media/late_audio.mp4'), skippedBox(title)]);
  return {
    title,
    phrase: 'fellow Americans',
    file: { name: `${title}.mp4`, mimeType: 'video/mp4', buffer },
  };
}

/** The same sound in another file: another recording of the same voices. */
export function again({ title, phrase, file }: Recording): Recording {
  const next = `${title} again`;
  const buffer = Buffer.concat([file.buffer, skippedBox(next)]);
  return { title: next, phrase, file: { ...file, name: `${next}.mp4`, buffer } };
}

/** A recording whose end is missing. */
export const truncated: Recording = {
  title: 'truncated',
  phrase: 'fellow Americans',
  file: { name: 'truncated.mp4', mimeType: 'video/mp4', buffer: sample('media/truncated.mp4') },
};

function skippedBox(text: string): Buffer {
  const content = Buffer.from(`free${text}`);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(size.length + content.length);
  return Buffer.concat([size, content]);
}

const KEY = process.env.NARRALYTICA_KEY ?? '';
const SCREENSHOTS = process.env.NARRALYTICA_SCREENSHOTS;
const CHROMIUM = '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox', // tests run as root
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const axePath = createRequire(new URL('../../console/package.json', import.meta.url)).resolve(
  'axe-core/axe.min.js',
);
const axeSource = readFileSync(axePath, 'utf8');

export interface Look {
  theme: 'light' | 'dark';
  width: 390 | 1280;
}

export const LOOKS: readonly Look[] = [
  { theme: 'light', width: 1280 },
  { theme: 'light', width: 390 },
  { theme: 'dark', width: 1280 },
  { theme: 'dark', width: 390 },
];

export const launch = (): Promise<Browser> =>
  chromium.launch({ executablePath: CHROMIUM, args: FLAGS });

/** A page of somebody who has signed in; `problems` gathers what the browser complains about. */
export class Explorer {
  private constructor(
    readonly context: BrowserContext,
    readonly page: Page,
    readonly look: Look,
    readonly problems: string[],
  ) {}

  static async open(browser: Browser, look: Look): Promise<Explorer> {
    const context = await browser.newContext({
      baseURL: URL_BASE,
      colorScheme: look.theme,
      viewport: { width: look.width, height: look.width === 390 ? 844 : 800 },
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) problems.push(message.text());
    });
    return new Explorer(context, page, look, problems);
  }

  async signIn(key = KEY): Promise<void> {
    await this.page.goto('/');
    await this.page.getByLabel('API key', { exact: true }).fill(key);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
    await this.page.getByRole('searchbox', { name: 'Search what was said' }).waitFor();
  }

  /** Nothing serious for axe, nothing wider than the screen, no complaint of the browser. */
  async check(name: string): Promise<void> {
    await this.page.waitForLoadState('load');
    await this.#picture(name);
    await this.page.evaluate(axeSource);
    const results = await this.page.evaluate(
      (): Promise<AxeResults> => window.axe.run(document, { resultTypes: ['violations'] }),
    );
    const serious = results.violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join('; ')}`);
    expect(serious, `axe on ${name}`).toEqual([]);
    const overflow = await this.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow, `${name} is wider than the screen`).toBe(0);
    const problems = this.problems.splice(0);
    expect(problems, `the browser on ${name}: ${problems.join('; ')}`).toEqual([]);
  }

  async #picture(name: string): Promise<void> {
    if (!SCREENSHOTS) return;
    mkdirSync(SCREENSHOTS, { recursive: true });
    const path = `${SCREENSHOTS}/${name}-${this.look.theme}-${this.look.width}.png`;
    await this.page.screenshot({ path });
  }
}

declare global {
  interface Window {
    axe: { run(context: Document, options: object): Promise<AxeResults> };
  }
}
