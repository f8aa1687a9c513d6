// One media element and what is known of it, outside React: its time changes too often to render.
import { useSyncExternalStore } from 'react';

export const RATES = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3] as const;

export class Player {
  timeMs = 0;
  durationMs = 0;
  playing = false;
  rate = 1;
  muted = false;
  #media: HTMLMediaElement | null = null;
  #wantedMs: number | null = null; // where to go once the media can
  #frame = 0;
  #listeners = new Set<() => void>();

  constructor(startMs: number) {
    this.timeMs = startMs;
    this.#wantedMs = startMs > 0 ? startMs : null;
  }

  subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };

  /** A ref callback; the element may be replaced while the page is open. */
  attach = (media: HTMLMediaElement | null) => {
    if (!media) return;
    if (this.#media && this.#media !== media) this.#wantedMs = this.timeMs;
    this.#media = media;
    media.playbackRate = this.rate;
    media.preservesPitch = true;
    const events = new AbortController();
    const on = (type: string, listener: () => void) =>
      media.addEventListener(type, listener, { signal: events.signal });
    on('loadedmetadata', this.#onMetadata);
    on('play', this.#onPlay);
    on('pause', this.#onPause);
    on('seeked', this.#read);
    on('timeupdate', this.#read);
    if (media.readyState >= 1) this.#onMetadata();
    return () => {
      events.abort();
      cancelAnimationFrame(this.#frame);
      media.pause();
      this.playing = false;
      this.#emit();
    };
  };

  seek(ms: number): void {
    const end = this.durationMs || Number.POSITIVE_INFINITY;
    this.timeMs = Math.max(0, Math.min(ms, end));
    if (this.#media && this.#media.readyState >= 1) this.#media.currentTime = this.timeMs / 1000;
    else this.#wantedMs = this.timeMs;
    this.#emit();
  }

  play(): void {
    // Refused before the first gesture: the button then still says play.
    void this.#media?.play().catch(() => {});
  }

  toggle(): void {
    if (this.playing) this.#media?.pause();
    else this.play();
  }

  setRate(rate: number): void {
    this.rate = rate;
    if (this.#media) this.#media.playbackRate = rate;
    this.#emit();
  }

  /** One step slower (−1) or faster (+1). */
  stepRate(step: -1 | 1): void {
    const at = RATES.findIndex((rate) => rate >= this.rate);
    const next = RATES[Math.max(0, Math.min(RATES.length - 1, at + step))];
    if (next) this.setRate(next);
  }

  setMuted(muted: boolean): void {
    this.muted = muted;
    if (this.#media) this.#media.muted = muted;
    this.#emit();
  }

  #emit(): void {
    for (const listener of this.#listeners) listener();
  }

  #onMetadata = () => {
    const media = this.#media;
    if (!media) return;
    if (Number.isFinite(media.duration)) this.durationMs = media.duration * 1000;
    if (this.#wantedMs !== null) media.currentTime = this.#wantedMs / 1000;
    this.#wantedMs = null;
    this.#emit();
  };

  #onPlay = () => {
    this.playing = true;
    this.#tick();
  };

  #onPause = () => {
    this.playing = false;
    cancelAnimationFrame(this.#frame);
    this.#read();
  };

  #read = () => {
    if (!this.#media || this.#wantedMs !== null) return;
    this.timeMs = this.#media.currentTime * 1000;
    this.#emit();
  };

  // timeupdate comes four times a second, too seldom to follow words.
  #tick = () => {
    this.#read();
    this.#frame = requestAnimationFrame(this.#tick);
  };
}

/** Renders again only when the selected value changes; `select` returns something primitive. */
export function usePlayer<T extends string | number | boolean>(
  player: Player,
  select: (player: Player) => T,
): T {
  return useSyncExternalStore(player.subscribe, () => select(player));
}
