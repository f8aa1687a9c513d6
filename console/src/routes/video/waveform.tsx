import { type KeyboardEvent, type PointerEvent, useEffect, useRef } from 'react';
import { onColoursChange } from '../../components/theme';
import { formatOffset } from '../../format';
import type { Turn } from '../../services/speakers';
import type { Waveform as Peaks } from '../../services/videos';
import { type Player, usePlayer } from './player';
import { COLOURS, coloursOfBars, type Heard, namesAt, type Voice, type Voices } from './voices';

const STEP_MS = 5_000;
const BAR_PX = 3;
const GAP_PX = 1;
const LEVEL_MAX = 128;
const BAND_PX = 14;
const DIGIT_PX = 14; // a turn as wide as this has room for its speaker's number

export interface Tick {
  ms: number;
  kind: 'hit' | 'found';
}

interface WaveformProps {
  peaks: Peaks | undefined;
  durationMs: number;
  ticks: readonly Tick[];
  player: Player;
  heard: Heard;
}

/** The loudest of each bar's buckets, 0 to 1, so that no peak is lost in a narrow window. */
export function barsOf(peaks: Peaks, count: number): number[] {
  const buckets = peaks.max.length;
  const bars: number[] = [];
  for (let bar = 0; bar < count; bar += 1) {
    const from = Math.floor((bar * buckets) / count);
    const to = Math.max(from + 1, Math.floor(((bar + 1) * buckets) / count));
    let level = 0;
    for (let i = from; i < to && i < buckets; i += 1) {
      level = Math.max(level, peaks.max[i] ?? 0, -(peaks.min[i] ?? 0));
    }
    bars.push(level / LEVEL_MAX);
  }
  return bars;
}

/** What the style sheet makes of a colour's name, in the theme of now. */
function colourIn(canvas: HTMLCanvasElement, token: string): string {
  canvas.style.color = token;
  const colour = getComputedStyle(canvas).color;
  canvas.style.color = '';
  return colour;
}

/** Bars as tall as it is loud, in the colour of who speaks; a band of the turns below. */
function draw(canvas: HTMLCanvasElement, peaks: Peaks, heard: Heard): void {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = devicePixelRatio;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext('2d');
  if (!context || width === 0) return;
  context.scale(scale, scale);
  const plain = getComputedStyle(canvas).color;
  const palette = Array.from({ length: COLOURS }, (_, index) =>
    colourIn(canvas, `var(--voice-${index + 1})`),
  );
  const { turns, voices } = heard;
  const middle = (height - (turns.length > 0 ? BAND_PX : 0)) / 2;
  const count = Math.floor(width / (BAR_PX + GAP_PX));
  const colours = coloursOfBars(turns, voices, peaks.duration_ms, count);
  barsOf(peaks, count).forEach((level, index) => {
    const tall = Math.max(1.5, level * (2 * middle - 4));
    context.fillStyle = palette[(colours[index] ?? 0) - 1] ?? plain;
    context.fillRect(index * (BAR_PX + GAP_PX), middle - tall / 2, BAR_PX, tall);
  });
  const band = { turns, voices, durationMs: peaks.duration_ms };
  drawBand(context, canvas, band, (voice) => palette[(voice?.colour ?? 0) - 1] ?? plain);
}

interface Band {
  turns: readonly Turn[];
  voices: Voices;
  durationMs: number;
}

/** The turns, each with its speaker's number; where two speak, one above the other. */
function drawBand(
  context: CanvasRenderingContext2D,
  canvas: HTMLCanvasElement,
  { turns, voices, durationMs }: Band,
  paint: (voice: Voice | undefined) => string,
): void {
  const { clientWidth: width, clientHeight: height } = canvas;
  const pxPerMs = width / Math.max(1, durationMs);
  const top = height - BAND_PX;
  context.font = `600 ${BAND_PX - 3}px sans-serif`;
  context.textBaseline = 'middle';
  const ink = colourIn(canvas, 'var(--on-voice)');
  let before: Turn | undefined; // of all until now, the one that goes on the longest
  for (const turn of turns) {
    const voice = voices.get(turn.speaker_id);
    const left = turn.start_ms * pxPerMs;
    const wide = Math.max(1, (turn.end_ms - turn.start_ms) * pxPerMs - 0.5);
    context.fillStyle = paint(voice);
    context.fillRect(left, top, wide, BAND_PX);
    const sharedMs = before ? Math.min(before.end_ms, turn.end_ms) - turn.start_ms : 0;
    const shared = Math.max(0, sharedMs * pxPerMs);
    if (before && shared > 0) {
      context.fillStyle = paint(voices.get(before.speaker_id));
      context.fillRect(left, top, shared, BAND_PX / 2);
    }
    if (!before || turn.end_ms > before.end_ms) before = turn;
    if (!voice || wide - shared < DIGIT_PX) continue;
    context.fillStyle = ink;
    context.fillText(String(voice.number), left + shared + 3, height - BAND_PX / 2 + 0.5);
  }
}

export function Waveform({ peaks, durationMs, ticks, player, heard }: WaveformProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const played = useRef<HTMLDivElement>(null);
  const second = usePlayer(player, (p) => Math.floor(p.timeMs / 1000));

  useEffect(() => {
    const element = canvas.current;
    if (!element || !peaks) return;
    const redraw = () => draw(element, peaks, heard);
    const observer = new ResizeObserver(redraw);
    observer.observe(element);
    const stop = onColoursChange(redraw);
    return () => {
      observer.disconnect();
      stop();
    };
  }, [peaks, heard]);

  // The playhead moves with every frame, past React.
  useEffect(() => {
    const move = () => {
      const fraction = durationMs > 0 ? Math.min(1, player.timeMs / durationMs) : 0;
      if (played.current) played.current.style.transform = `translateX(${fraction * 100}%)`;
    };
    move();
    return player.subscribe(move);
  }, [player, durationMs]);

  const name = (event: PointerEvent<HTMLDivElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const ms = ((event.clientX - box.left) / box.width) * durationMs;
    event.currentTarget.title = [formatOffset(ms), namesAt(heard, ms)].filter(Boolean).join(' · ');
  };
  const seek = (event: PointerEvent<HTMLDivElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    player.seek(((event.clientX - box.left) / box.width) * durationMs);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const to = {
      ArrowLeft: player.timeMs - STEP_MS,
      ArrowRight: player.timeMs + STEP_MS,
      Home: 0,
      End: durationMs,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    player.seek(to);
  };
  return (
    <div
      className="waveform"
      role="slider"
      tabIndex={0}
      aria-label="Position"
      aria-valuemin={0}
      aria-valuemax={Math.round(durationMs / 1000)}
      aria-valuenow={second}
      aria-valuetext={[
        `${formatOffset(second * 1000)} of ${formatOffset(durationMs)}`,
        namesAt(heard, second * 1000),
      ]
        .filter(Boolean)
        .join(', ')}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        seek(event);
      }}
      onPointerMove={(event) => {
        name(event);
        if (event.buttons === 1) seek(event);
      }}
    >
      <canvas ref={canvas} className="waveform-peaks" />
      <div className="waveform-ticks" aria-hidden="true">
        {ticks.map(({ ms, kind }) => (
          <span
            key={`${kind}${ms}`}
            className={`tick tick-${kind}`}
            style={{ left: `${(ms / Math.max(1, durationMs)) * 100}%` }}
          />
        ))}
      </div>
      <div className="waveform-played" ref={played} aria-hidden="true" />
    </div>
  );
}
