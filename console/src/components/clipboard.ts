import { formatOffset } from '../format';
import { tell, tellError } from './toasts';

/** The address that opens a recording at a second. */
export function permalink(videoId: string, ms: number): string {
  return new URL(`/videos/${videoId}?t=${Math.floor(ms / 1000)}`, location.origin).href;
}

export interface Quote {
  text: string;
  title: string;
  videoId: string;
  ms: number;
}

/** “What was said” — Where, when, and the address that proves it. */
export function formatQuote({ text, title, videoId, ms }: Quote): string {
  const words = text.replace(/\s+/g, ' ').trim();
  return `“${words}” — ${title}, ${formatOffset(ms)}\n${permalink(videoId, ms)}`;
}

// navigator.clipboard exists on https and localhost only.
function copyBySelection(text: string): void {
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'visually-hidden';
  document.body.append(area);
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  if (!copied) throw new Error('the browser did not allow copying');
}

export async function copy(text: string, what: string): Promise<void> {
  try {
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else copyBySelection(text);
    tell(`${what} copied`);
  } catch (error) {
    tellError(error);
  }
}
